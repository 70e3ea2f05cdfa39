import { Command as Program, InvalidArgumentError, Option } from "commander";
import { socketConnection } from "../queue/names.ts";
import { openBuildDirectory } from "../results/build-store.ts";
import { openDirectoryStore } from "../results/directory-store.ts";
import { haltWhenIdle } from "./halt-when-idle.ts";
import { EXIT, type Command } from "./main.ts";
import { runBuilder, runRunner, type WorkerOptions } from "../worker/worker.ts";
import { version } from "./version.ts";

interface Options {
  redis: string;
  directory: string;
  builds: string;
  results: string;
  concurrency: number;
  idleHalts?: string;
  idleMinutes: number;
  lockSeconds: number;
}

/** The processes of a swarm that make builds and runs. Started by the targets, not by people. */
export const swarmWorker: Command = {
  name: "swarm-worker",
  async run({ argv, interrupt, stdout, stderr }) {
    const program = new Program("swarm-worker")
      .description("Works on the queues of a swarm: builder, runner, or all (both in one process).")
      .argument("<role>", "builder, runner or all", role)
      .requiredOption("--redis <socket>", "unix socket of the queue's Redis")
      .requiredOption("--directory <dir>", "where working trees lie")
      .requiredOption("--builds <dir>", "where builds are kept")
      .requiredOption("--results <dir>", "where results are kept until they are collected")
      .option("--concurrency <n>", "runs at once", positive, 1)
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
    const options = program.opts<Options>();
    const end = new AbortController();
    interrupt.addEventListener("abort", () => end.abort());
    const work: WorkerOptions = {
      connection: socketConnection(options.redis),
      directory: options.directory,
      builds: openBuildDirectory(options.builds),
      results: openDirectoryStore(options.results),
      lockMs: options.lockSeconds * 1000,
      onError: (error) => stderr.write(`${new Date().toISOString()} ${error.stack ?? error.message}\n`),
      signal: end.signal,
    };
    const chosen = program.args[0] as Role;
    if (options.idleHalts !== undefined) {
      const { idleHalts, idleMinutes } = options;
      void haltWhenIdle(idleHalts, idleMinutes * 60_000, end, work.onError).catch((error: unknown) => {
        if (!end.signal.aborted) work.onError(error as Error);
      });
    }
    await Promise.all([
      chosen === "runner" ? undefined : runBuilder(work),
      chosen === "builder" ? undefined : runRunner({ ...work, concurrency: options.concurrency }),
    ]);
    return EXIT.done;
  },
};

type Role = "builder" | "runner" | "all";

function role(text: string): Role {
  if (text === "builder" || text === "runner" || text === "all") return text;
  throw new InvalidArgumentError("It must be builder, runner or all.");
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("It must be a whole number from 1.");
  return value;
}
