import { Command as Program, InvalidArgumentError, Option } from "commander";
import { openStores, type Stores } from "../results/open-stores.ts";
import { awaitQueue } from "../queue/check.ts";
import { queueFrom, secretFrom } from "./access-from-environment.ts";
import { haltWhenIdle } from "./halt-when-idle.ts";
import { UserError } from "../errors.ts";
import { removeOldThings } from "../worker/janitor.ts";
import { EXIT, type Command } from "./main.ts";
import { runBuilder, runRunner, type WorkerOptions } from "../worker/worker.ts";
import { version } from "./version.ts";

interface Options {
  redis?: string;
  directory: string;
  builds: string;
  sources?: string;
  results?: string;
  concurrency: number;
  idleHalts?: string;
  idleMinutes: number;
  lockSeconds: number;
}

const SAME_ERROR_MS = 60_000;

/** The processes of a swarm that make builds and runs. Started by the targets, not by people. */
export const swarmWorker: Command = {
  name: "swarm-worker",
  async run({ argv, interrupt, stdout, stderr }) {
    const program = new Program("swarm-worker")
      .description("Works on the queues of a swarm: builder, runner, or all (both in one process).")
      .argument("<role>", "builder, runner or all", role)
      .option("--redis <socket>", "unix socket of the queue's Redis; else REDIS_URL or REDIS_URL_FILE")
      .requiredOption("--directory <dir>", "where working trees lie")
      .requiredOption("--builds <dir>", "where builds are kept")
      .option(
        "--results <dir>",
        "where results are kept until they are collected, if not in MongoDB: MONGO_URL or MONGO_URL_FILE",
      )
      .option("--sources <dir>", "where sources are kept that were sent here, if not in MongoDB")
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
    const log = (text: string): void => void stderr.write(`${new Date().toISOString()} ${text}\n`);
    await using stores = await storesFor(options, log, end.signal);
    const { builds, sources, results } = stores;
    const connection = await queueFrom(process.env, options.redis);
    const work: WorkerOptions = {
      connection,
      directory: options.directory,
      builds,
      sources,
      results,
      lockMs: options.lockSeconds * 1000,
      onError: errorLog(log),
      signal: end.signal,
    };
    const chosen = program.args[0] as Role;
    const { idleHalts, idleMinutes } = options;
    if (idleHalts !== undefined)
      inBackground(haltWhenIdle(idleHalts, idleMinutes * 60_000, end, work.onError), work);
    try {
      // After haltWhenIdle, which starts a dead Redis again.
      if (!(await awaitQueue(connection, log, end.signal))) return EXIT.done;
      if (chosen !== "runner") inBackground(removeOldThings(work), work);
      await Promise.all([
        chosen === "runner" ? undefined : runBuilder(work),
        chosen === "builder" ? undefined : runRunner({ ...work, concurrency: options.concurrency }),
      ]);
    } finally {
      end.abort(); // what is in the background ends with it
    }
    return EXIT.done;
  },
};

/** A server that is away makes the same errors again and again: each is told once a minute. */
function errorLog(log: (text: string) => void): (error: Error) => void {
  const toldAt = new Map<string, number>();
  return (error) => {
    const { syscall } = error as NodeJS.ErrnoException;
    const text = syscall === undefined ? (error.stack ?? error.message) : error.message;
    const now = performance.now();
    for (const [old, at] of toldAt) if (now - at >= SAME_ERROR_MS) toldAt.delete(old);
    if (toldAt.has(text)) return;
    toldAt.set(text, now);
    log(text);
  };
}

async function storesFor(
  { builds, sources, results }: Options,
  log: (text: string) => void,
  signal: AbortSignal,
): Promise<Stores> {
  const url = await secretFrom(process.env, "MONGO_URL");
  if (url !== undefined) {
    return await openStores({ builds, sources, mongo: { url, onWaiting: log, waitAtStart: true, signal } });
  }
  if (results !== undefined && sources !== undefined) return await openStores({ builds, sources, results });
  throw new UserError("there is no word of where results are kept", {
    hint: "give --results DIR and --sources DIR, or MONGO_URL or MONGO_URL_FILE in the environment",
  });
}

function inBackground(work: Promise<void>, { signal, onError }: WorkerOptions): void {
  work.catch((error: unknown) => {
    if (!signal.aborted) onError(error as Error);
  });
}

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
