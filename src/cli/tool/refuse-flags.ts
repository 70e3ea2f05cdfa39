import { Command as Program } from "commander";
import { UserError } from "../../errors.ts";
import { runnersOption, serviceOptions, type ServiceFlags } from "./docker-options.ts";
import type { InitFlags } from "./init-options.ts";

const ON_AWS = [
  ...["stack", "workers", "instanceType", "managerType", "region", "profile", "sshCidr", "spot", "maxHours"],
  ...["idleMinutes", "volumeSize", "template", "sshUser"],
];

function namesOf(command: Program): string[] {
  return command.options.map((option) => option.attributeName());
}

/** Returns the options of `swarm-tool init` that apply to a kind of swarm, and the name of the kind. */
function applicable({ local, docker }: InitFlags): { names: Set<string>; where: string } {
  const runners = namesOf(runnersOption(new Program()));
  const services = namesOf(serviceOptions(new Program()));
  if (local) return { names: new Set(["local", "yes", "mongo", ...runners]), where: "on this machine" };
  if (docker) {
    const names = ["docker", "yes", "host", "context", ...runners, ...services];
    return { names: new Set(names), where: "on a Docker Swarm" };
  }
  return { names: new Set(["aws", "yes", ...ON_AWS, ...runners, ...services]), where: "on AWS" };
}

/** Returns how to create a swarm to which an option of `init` applies. */
function kindFor(name: string): string {
  if (name === "mongo") return "on this machine with --local";
  if (name === "host" || name === "context") return "on a Docker Swarm with --docker";
  return ON_AWS.includes(name) ? "on AWS" : "on a Docker Swarm or on AWS";
}

/** Refuses options of `swarm-tool init` that do not apply to the kind of swarm that is to be created. */
export function refuseInapplicable(command: Program, flags: InitFlags): void {
  const kinds = [flags.local, flags.docker, flags.aws].filter((kind) => kind !== undefined);
  if (kinds.length > 1) return; // refused with a better message
  const { names, where } = applicable(flags);
  const typed = command.options.filter(
    (option) => command.getOptionValueSource(option.attributeName()) === "cli",
  );
  const wrong = typed.find((option) => !names.has(option.attributeName()));
  if (wrong === undefined) return;
  throw new UserError(`${wrong.long} does not apply to a swarm ${where}`, {
    hint: `remove ${wrong.long}, or create a swarm ${kindFor(wrong.attributeName())}`,
  });
}

/** Options that apply only to the worker image that is built, not to an image of the user. */
const OF_BUILT_WORKER = {
  omnetppVersion: "--omnetpp-version",
  omnetppArchive: "--omnetpp-archive",
  omnetppSha256: "--omnetpp-sha256",
} as const;

/** Options that apply only if at least one of the images is built. */
const OF_ALL_BUILT = { build: "--build", registry: "--registry", baseImage: "--base-image" } as const;

/** Refuses options for the building of images if none would be built with them. An empty value removes a setting. */
export function refuseUnusedImageFlags(flags: ServiceFlags): void {
  if (!flags.workerImage) return;
  const unused = (options: Readonly<Record<string, string>>): string | undefined =>
    Object.entries(options).find(([name]) => flags[name as keyof ServiceFlags])?.[1];
  const wrong = unused(OF_BUILT_WORKER) ?? (flags.distccImage ? unused(OF_ALL_BUILT) : undefined);
  if (wrong === undefined) return;
  throw new UserError(`${wrong} has no effect on your own image ${flags.workerImage}`, {
    hint: `remove ${wrong}, or remove --worker-image to build the image`,
  });
}
