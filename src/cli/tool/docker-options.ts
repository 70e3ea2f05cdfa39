import { Option, type Command as Program } from "commander";
import { wholeNumber } from "../terminal/whole-number.ts";

/** Options for the services of a swarm. A setting without its option remains unchanged. */
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

/** OMNeT++ release whose archive and checksum are in docker/Dockerfile. */
export const KNOWN_OMNETPP = "6.2.0";

/** Adds the options for services and images to a command. */
export function serviceOptions(command: Program): Program {
  return command
    .optionsGroup("Services and images:")
    .option("--build", "build the worker images on the manager, even if published ones exist")
    .option("--registry <host/path>", "registry from which all machines pull the images built")
    .option("--worker-image <name>", "your own worker image (empty: the default image)")
    .option("--distcc-image <name>", "your own image of the distcc compiler")
    .option("--redis-image <name>", "your own image of the queue")
    .option("--mongo-image <name>", "your own image of the result store")
    .option("--visualizer-image <name>", "your own image of the visualizer")
    .addOption(new Option("--registry-image <name>", "your own image of the registry on AWS").hideHelp())
    .option("--base-image <name>", "base image to build on: Debian with Node.js 22.15 or later")
    .option("--omnetpp-version <x.y.z>", `OMNeT++ version in the image built (default: ${KNOWN_OMNETPP})`)
    .option("--omnetpp-archive <file or URL>", "archive of that version, with sources or a built tree")
    .option("--omnetpp-sha256 <sum>", "SHA-256 checksum of the archive, if it is a URL");
}

/** Adds the option for the number of runners to a command. */
export function runnersOption(command: Program): Program {
  return command.option(
    "--runners <n>",
    "concurrent runs on each machine (default: one per core)",
    wholeNumber(1, 1024),
  );
}
