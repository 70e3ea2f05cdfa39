import { availableParallelism } from "node:os";
import path from "node:path";
import { Command as Program, InvalidArgumentError, Option } from "commander";
import { cacheDirectory } from "../../system/paths.ts";
import type { Command } from "../terminal/command.ts";
import { version } from "../terminal/version.ts";
import type { Role, WorkOptions } from "./work.ts";

/** The processes of a swarm. Started by the targets, not by people; what they need is imported when they work. */
export const swarmWorker: Command = {
  name: "swarm-worker",
  async run(context) {
    const { argv, stdout, stderr } = context;
    const program = new Program("swarm-worker")
      .description(
        "Works on the queues of a swarm: builder, runner, or all (both in one process); or shows them: dashboard.",
      )
      .argument("<role>", "builder, runner, all or dashboard", role)
      .option("--redis <socket>", "unix socket of the queue's Redis; else REDIS_URL or REDIS_URL_FILE")
      .addOption(
        new Option("--redis-data <dir>", "where that Redis keeps its data: another is refused").hideHelp(),
      )
      .option("--secrets <fd>", "read REDIS_URL=… and MONGO_URL=… from this file descriptor", descriptor)
      .option("--directory <dir>", "where working trees lie", path.join(cacheDirectory(), "worker"))
      .option("--builds <dir>", "where builds are kept", path.join(cacheDirectory(), "builds"))
      .option(
        "--results <dir>",
        "where results are kept until they are collected, if not in MongoDB: MONGO_URL or MONGO_URL_FILE",
      )
      .option("--sources <dir>", "where sources are kept that were sent here, if not in MongoDB")
      .option("--concurrency <n>", "runs at once; cores: as many as this machine has", concurrency, 1)
      .option("--compilers <name>", "let all addresses of this name compile, with distcc and ccache")
      .option("--port <n>", "of the dashboard, in a container of its own", positive, 9181)
      .option("--busy-file <file>", "the dashboard writes here whether there is work")
      .option("--alive-file <file>", "is written again and again as long as this process lives")
      .option("--idle-halts <swarm>", "halt this swarm when there has been no work for a while")
      .option("--idle-minutes <n>", "how long that is", Number, 60)
      .addOption(
        new Option("--lock-seconds <n>", "after this time without a sign of life others take its jobs")
          .argParser(positive)
          .default(30)
          .hideHelp(),
      )
      .version(version(), "--version")
      .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
      .exitOverride();
    program.parse([...argv], { from: "user" });
    const { work } = await import("./work.ts");
    return await work(program.args[0] as Role, program.opts<WorkOptions>(), context);
  },
};

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
  if (/^\d{1,4}$/.test(text) && Number(text) > 2) return Number(text);
  throw new InvalidArgumentError("It must be the number of a file descriptor from 3.");
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("It must be a whole number from 1.");
  return value;
}
