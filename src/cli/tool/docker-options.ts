import { Option, type Command as Program } from "commander";
import { wholeNumber } from "../terminal/whole-number.ts";

/** What the services of a swarm are deployed with; what is not said stays as it is. */
export interface ServiceFlags {
  runners?: number;
  build?: true;
  registry?: string;
  workerImage?: string;
  distccImage?: string;
  redisImage?: string;
  mongoImage?: string;
  visualizerImage?: string;
  registryImage?: string;
  baseImage?: string;
  omnetppVersion?: string;
  omnetppArchive?: string;
  omnetppSha256?: string;
}

/** Release archive that the project's own Dockerfile knows by itself. */
export const KNOWN_OMNETPP = "6.2.0";

export function serviceOptions(command: Program): Program {
  return command
    .option("--build", "build the images of the workers on the manager, also where there are published ones")
    .option("--registry <host/path>", "where all machines of a Docker Swarm can have images that are built")
    .option("--worker-image <name>", "an image of yours instead; an empty name: the usual one again")
    .option("--distcc-image <name>", "the same for the compiler")
    .option("--redis-image <name>", "the same for the queue")
    .option("--mongo-image <name>", "the same for the results")
    .option("--visualizer-image <name>", "the same for the visualizer")
    .addOption(new Option("--registry-image <name>", "the same for the registry on AWS").hideHelp())
    .option("--base-image <name>", "build the images on this one: Debian with Node.js 22.15 or later")
    .option("--omnetpp-version <x.y.z>", `OMNeT++ in the image that is built (default: ${KNOWN_OMNETPP})`)
    .option("--omnetpp-archive <file or URL>", "its archive, with sources or a built tree")
    .option("--omnetpp-sha256 <sum>", "checksum of the archive, where that is a URL");
}

/** The number of runners, where `--local` does not have the option already. */
export function runnersOption(command: Program): Program {
  return command.option(
    "--runners <n>",
    "how many runs at once on each machine (default: one for each core)",
    wholeNumber(1, 1024),
  );
}
