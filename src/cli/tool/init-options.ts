import { Option, type Command as Program } from "commander";
import type { InitOptions } from "../../providers/init-options.ts";
import { runnersOption, serviceOptions, type ServiceFlags } from "./docker-options.ts";
import { serviceChange } from "./service-change.ts";
import { wholeNumber } from "../terminal/whole-number.ts";

export interface InitFlags extends ServiceFlags {
  host?: string;
  context?: string;
  local?: true;
  docker?: true;
  mongo?: true;
  stack?: string;
  workers: number;
  instanceType: string;
  managerType: string;
  region?: string;
  profile?: string;
  sshCidr?: string;
  spot?: true;
  maxHours: number;
  idleMinutes: string;
  volumeSize: number;
  template?: string;
  sshUser: string;
  yes?: true;
}

const IDLE_MINUTES = ["10", "15", "20", "30", "45", "60", "90", "120", "180", "240", "480", "720", "1440"];

/** The defaults are those of cloudformation/swarm.yaml. */
export function awsInitOptions(command: Program): Program {
  return runnersOption(serviceOptions(command))
    .option("--local", "on this machine instead: needs redis-server and OMNeT++")
    .option(
      "--docker",
      "on a Docker Swarm that you have: that of the docker program, or of --host or --context",
    )
    .option("--host <url>", "with --docker: its manager, as docker takes it: ssh://user@machine")
    .option("--context <name>", "with --docker: its docker context")
    .option(
      "--mongo",
      "with --local: keep results in the MongoDB that MONGO_URL or the file MONGO_URL_FILE names",
    )
    .option("--stack <name>", "the swarm's name (default: inet)")
    .option("--workers <n>", "how many machines make runs", wholeNumber(0, 100), 3)
    .option("--instance-type <type>", "of the workers", "c6i.large")
    .option("--manager-type <type>", "of the machine that has the queue and the builder", "t3.large")
    .option("--region <name>", "AWS region (default: as configured for AWS)")
    .option("--profile <name>", "AWS profile (default: as configured for AWS)")
    .option("--ssh-cidr <range>", "addresses that may reach the manager (default: your own)")
    .option("--spot", "spot instances as workers: cheaper, and AWS may take them away")
    .option("--max-hours <n>", "halt after so many hours, also when it is busy", wholeNumber(1, 168), 24)
    .addOption(
      new Option("--idle-minutes <n>", "halt when it was idle for so long")
        .choices(IDLE_MINUTES)
        .default("60"),
    )
    .option("--volume-size <GiB>", "for queue and results", wholeNumber(10, 16_000), 50)
    .option("--template <file or URL>", "another CloudFormation template with the same parameters")
    .option("--ssh-user <name>", "user of the machines", "ec2-user")
    .option("--yes", "without a question about what it costs");
}

/** What the flags say, for the provider. */
export function initOptions(flags: InitFlags): InitOptions {
  const { host, context, runners, spot = false, idleMinutes, volumeSize, ...machines } = flags;
  return {
    services: () => serviceChange(flags),
    runners,
    docker: { ...(host !== undefined && { host }), ...(context !== undefined && { context }) },
    machines: { ...machines, spot, idleMinutes: Number(idleMinutes), volumeGiB: volumeSize },
  };
}
