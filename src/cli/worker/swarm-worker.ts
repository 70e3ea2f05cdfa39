import { availableParallelism } from "node:os";
import path from "node:path";
import { Command as Program, InvalidArgumentError, Option } from "commander";
import { wholeNumberIn } from "../../model/whole-number.ts";
import { cacheDirectory } from "../../system/paths.ts";
import { isHelp, type Command, type CommandContext } from "../terminal/command.ts";
import { HELP_LAYOUT, outputOf } from "../terminal/usage-error.ts";
import { version } from "../terminal/version.ts";
import type { Role, WorkOptions } from "./work.ts";

/** A process of a swarm. Providers start it, not users. Most modules are imported only after parsing the arguments. */
export const swarmWorker: Command = {
  name: "swarm-worker",
  onlyPrints: isHelp,
  async run(context) {
    const program = describeWorker(context);
    program.parse([...context.argv], { from: "user" });
    const { work } = await import("./work.ts");
    return await work(program.args[0] as Role, program.opts<WorkOptions>(), context);
  },
};

const IN_CACHE = "in the user's cache directory";

function inCache(name: string): string {
  return path.join(cacheDirectory(), name);
}

/** Returns the command-line definition of `swarm-worker`. */
export function describeWorker({ stdout, stderr }: CommandContext): Program {
  return new Program("swarm-worker")
    .description("Process the queues of a swarm, as builder, runner or both (all), or serve its dashboard.")
    .argument("<role>", "builder, runner, all or dashboard", role)
    .option("--redis <socket>", "Unix socket of the queue's Redis (default: REDIS_URL or REDIS_URL_FILE)")
    .addOption(
      new Option("--redis-data <dir>", "data directory of that Redis; refuse any other Redis").hideHelp(),
    )
    .option("--secrets <fd>", "read REDIS_URL=… and MONGO_URL=… from this file descriptor", descriptor)
    .addOption(
      new Option("--directory <dir>", "directory of the working trees").default(inCache("worker"), IN_CACHE),
    )
    .addOption(new Option("--builds <dir>", "directory of the builds").default(inCache("builds"), IN_CACHE))
    .option("--results <dir>", "directory of results not yet collected (default: MongoDB at MONGO_URL)")
    .option("--sources <dir>", "directory of uploaded sources (default: MongoDB at MONGO_URL)")
    .option("--concurrency <n>", "number of concurrent runs, or cores for one per core", concurrency, 1)
    .option("--compilers <name>", "compile on all addresses of this host name, with distcc and ccache")
    .option("--port <n>", "port of the dashboard", positive, 9181)
    .option("--busy-file <file>", "file in which the dashboard records whether there is work")
    .option("--alive-file <file>", "file to update regularly while this process is alive")
    .option("--idle-halts <swarm>", "halt this swarm when it is idle")
    .option("--idle-minutes <n>", "idle time before halting, in minutes", Number, 60)
    .addOption(
      new Option("--lock-seconds <n>", "time after which other workers take the jobs of an unresponsive one")
        .argParser(positive)
        .default(30)
        .hideHelp(),
    )
    .version(version(), "--version")
    .configureHelp(HELP_LAYOUT)
    .configureOutput(outputOf({ stdout, stderr }))
    .exitOverride();
}

const ROLES: readonly Role[] = ["builder", "runner", "all", "dashboard"];

function role(text: string): Role {
  const known = ROLES.find((each) => each === text);
  if (known !== undefined) return known;
  throw new InvalidArgumentError(`It must be one of ${ROLES.join(", ")}.`);
}

function concurrency(text: string): number {
  return text === "cores" ? availableParallelism() : positive(text);
}

function descriptor(text: string): number {
  const value = wholeNumberIn(text, 3, 9999);
  if (value !== undefined) return value;
  throw new InvalidArgumentError("It must be the number of a file descriptor from 3.");
}

function positive(text: string): number {
  const value = wholeNumberIn(text, 1);
  if (value !== undefined) return value;
  throw new InvalidArgumentError("It must be a whole number from 1.");
}
