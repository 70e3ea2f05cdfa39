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

/** Adds the options of `swarm-tool init` to a command. The defaults are those of cloudformation/swarm.yaml. */
export function awsInitOptions(command: Program): Program {
  command
    .optionsGroup("Kind of swarm (default: AWS):")
    .option("--local", "create it on this machine (needs redis-server and OMNeT++)")
    .option("--docker", "create it on an existing Docker Swarm")
    .option("--host <url>", "with --docker: the manager, e.g. ssh://user@machine")
    .option("--context <name>", "with --docker: the docker context")
    .option("--mongo", "with --local: store results in the MongoDB at MONGO_URL")
    .optionsGroup("AWS:")
    .option("--stack <name>", "name of the swarm (default: inet)")
    .option("--workers <n>", "number of worker machines", wholeNumber(0, 100), 3)
    .option("--instance-type <type>", "instance type of the workers", "c6i.large")
    .option("--manager-type <type>", "instance type of the manager", "t3.large")
    .option("--region <name>", "AWS region (default: as configured for AWS)")
    .option("--profile <name>", "AWS profile (default: as configured for AWS)")
    .option("--ssh-cidr <range>", "addresses allowed to reach the manager (default: your own)")
    .option("--spot", "use spot instances as workers: cheaper, but AWS may reclaim them")
    .option("--max-hours <n>", "halt after this many hours, even if busy", wholeNumber(1, 168), 24)
    .addOption(
      new Option("--idle-minutes <n>", "halt after this many minutes idle")
        .choices(IDLE_MINUTES)
        .default("60"),
    )
    .option(
      "--volume-size <GiB>",
      "size of the volume for the queue and results",
      wholeNumber(10, 16_000),
      50,
    )
    .option("--template <file or URL>", "use this CloudFormation template, with the same parameters")
    .option("--ssh-user <name>", "user name on the machines", "ec2-user")
    .option("--yes", "do not ask for confirmation of the costs");
  return runnersOption(serviceOptions(command)).optionsGroup("Options:");
}

/** Returns the provider's options for the flags of `swarm-tool init`. */
export function initOptions(flags: InitFlags): InitOptions {
  const { host, context, runners, spot = false, idleMinutes, volumeSize, ...machines } = flags;
  return {
    services: () => serviceChange(flags),
    runners,
    docker: { ...(host !== undefined && { host }), ...(context !== undefined && { context }) },
    machines: { ...machines, spot, idleMinutes: Number(idleMinutes), volumeGiB: volumeSize },
  };
}
