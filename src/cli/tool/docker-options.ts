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

/**
 * Adds the options for services and images to a command.
 * @param areHidden whether its help omits them; another command's help shows them.
 */
export function serviceOptions(command: Program, { areHidden = false } = {}): Program {
  command.optionsGroup("Services and images:");
  const add = (flags: string, description: string): void => {
    const option = new Option(flags, description);
    command.addOption(areHidden ? option.hideHelp() : option);
  };
  add("--build", "build the worker images on the manager, even if published ones exist");
  add("--registry <host/path>", "registry from which all machines pull the images built");
  add("--worker-image <name>", "your own worker image (empty: the default image)");
  add("--omnetpp-version <x.y.z>", `OMNeT++ version in the image built (default: ${KNOWN_OMNETPP})`);
  add("--omnetpp-archive <file or URL>", "archive of that version, with sources or a built tree");
  add("--omnetpp-sha256 <sum>", "SHA-256 checksum of the archive (required for a URL)");
  add("--base-image <name>", "base image to build on: Debian with Node.js 22.15 or later");
  add("--distcc-image <name>", "your own image of the distcc compiler");
  add("--redis-image <name>", "your own image of the queue");
  add("--mongo-image <name>", "your own image of the result store");
  add("--visualizer-image <name>", "your own image of the visualizer");
  return command.addOption(
    new Option("--registry-image <name>", "your own image of the registry on AWS").hideHelp(),
  );
}

/** Adds the option for the number of runners to a command. */
export function runnersOption(command: Program): Program {
  return command.option(
    "--runners <n>",
    "concurrent runs on each machine (default: one per core)",
    wholeNumber(1, 1024),
  );
}
