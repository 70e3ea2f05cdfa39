import { Option, type Command as Program } from "commander";
import type { InitOptions } from "../../providers/init-options.ts";
import { withExamples } from "../terminal/examples.ts";
import { wholeNumber } from "../terminal/whole-number.ts";
import { oneOf } from "../terminal/one-of.ts";
import { runnersOption, serviceOptions, type ServiceFlags } from "./docker-options.ts";
import { IDLE_MINUTES, MAX_HOURS, VOLUME_GIB } from "./machine-options.ts";
import { serviceChange } from "./service-change.ts";

export interface InitFlags extends ServiceFlags {
  host?: string;
  context?: string;
  local?: true;
  docker?: true;
  aws?: true;
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

const ON_AWS = "On AWS:";

/** Adds the options of `swarm-tool init` to a command. The defaults are those of cloudformation/swarm.yaml. */
export function addInitOptions(command: Program): Program {
  command
    .argument("[name]", "name of the swarm (default: local, docker, or on AWS inet)")
    .optionsGroup("Where (default: --aws, if AWS is configured):")
    .option("--local", "on this machine; needs OMNeT++")
    .option("--docker", "on an existing Docker Swarm")
    .option("--aws", "on rented machines of AWS, which cost money while they run");
  runnersOption(command.optionsGroup("On all of them:"))
    .option("--yes", "do not ask: accept the costs, install a server for the queue")
    .optionsGroup("On this machine:")
    .option("--mongo", "store results in the MongoDB at MONGO_URL")
    .optionsGroup("On a Docker Swarm:")
    .option("--host <url>", "its manager, e.g. ssh://user@machine")
    .option("--context <name>", "its docker context");
  addAwsOptions(command.optionsGroup(ON_AWS));
  serviceOptions(command, { areHidden: true }).optionsGroup("Options:");
  command.addHelpText("after", "\nOptions for images, on Docker and AWS: swarm-tool deploy --help");
  return withExamples(
    command,
    "swarm-tool init --local",
    "swarm-tool init --local --runners 4",
    "swarm-tool init --docker --host ssh://user@manager",
    "swarm-tool init --aws --workers 10 --instance-type c6i.xlarge --spot",
  );
}

function addAwsOptions(command: Program): void {
  command
    .option("--workers <n>", "number of worker machines", wholeNumber(0, 100), 3)
    .option("--instance-type <type>", "instance type of the workers", "c6i.large")
    .option("--spot", "use spot instances as workers: cheaper, but AWS may reclaim them")
    .option("--region <name>", "AWS region (default: as configured for AWS)")
    .option("--profile <name>", "AWS profile (default: as configured for AWS)")
    .option("--max-hours <n>", "halt after this many hours, even if busy", wholeNumber(...MAX_HOURS), 24)
    .addOption(
      new Option("--idle-minutes <n>", "halt after this many minutes idle, 10 to 1440")
        .argParser(oneOf(IDLE_MINUTES))
        .default("60"),
    )
    .option("--ssh-cidr <range>", "addresses allowed to reach the manager (default: your own)")
    .option("--manager-type <type>", "instance type of the manager", "t3.large")
    .option(
      "--volume-size <GiB>",
      "size of the volume for the queue and results",
      wholeNumber(...VOLUME_GIB),
      50,
    )
    .option("--template <file or URL>", "use this CloudFormation template, with the same parameters")
    .option("--ssh-user <name>", "user name on the machines", "ec2-user")
    .option("--stack <name>", "same as the argument name");
}

/** Returns the flags of `init`, with `aws` set if no kind of swarm is given but an option that only AWS has. */
export function withKind(flags: InitFlags, command: Program): InitFlags {
  if (flags.local ?? flags.docker ?? flags.aws) return flags;
  const isForAws = command.options.some(
    (option) =>
      option.helpGroupHeading === ON_AWS && command.getOptionValueSource(option.attributeName()) === "cli",
  );
  return isForAws ? { ...flags, aws: true } : flags;
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
