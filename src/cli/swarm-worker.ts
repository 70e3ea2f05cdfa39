import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import path from "node:path";
import { Command as Program, InvalidArgumentError, Option } from "commander";
import { openStores, type Stores } from "../results/open-stores.ts";
import { awaitQueue } from "../queue/check.ts";
import { queueFrom, secretFrom } from "./access-from-environment.ts";
import { haltWhenIdle } from "./halt-when-idle.ts";
import { UserError } from "../errors.ts";
import { removeOldThings } from "../worker/janitor.ts";
import { EXIT, type Command } from "./main.ts";
import { runBuilder, runRunner } from "../worker/worker.ts";
import { cacheDirectory } from "../system/paths.ts";
import type { SwarmAccess } from "../targets/target.ts";
import { showLife, showWork } from "./signs-of-life.ts";
import { version } from "./version.ts";

interface Options {
  redis?: string;
  directory: string;
  builds: string;
  sources?: string;
  results?: string;
  concurrency: number;
  compilers?: string;
  port: number;
  busyFile?: string;
  aliveFile?: string;
  idleHalts?: string;
  idleMinutes: number;
  lockSeconds: number;
}

const SAME_ERROR_MS = 60_000;

/** The processes of a swarm. Started by the targets, not by people. */
export const swarmWorker: Command = {
  name: "swarm-worker",
  async run({ argv, interrupt, stdout, stderr }) {
    const program = new Program("swarm-worker")
      .description(
        "Works on the queues of a swarm: builder, runner, or all (both in one process); or shows them: dashboard.",
      )
      .argument("<role>", "builder, runner, all or dashboard", role)
      .option("--redis <socket>", "unix socket of the queue's Redis; else REDIS_URL or REDIS_URL_FILE")
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
    const options = program.opts<Options>();
    const end = new AbortController();
    interrupt.addEventListener("abort", () => end.abort());
    const log = (text: string): void => void stderr.write(`${new Date().toISOString()} ${text}\n`);
    const { aliveFile } = options;
    const background = (task: Promise<void>): void => inBackground(task, end.signal, errorLog(log));
    if (aliveFile !== undefined) background(showLife(aliveFile, end.signal));
    await using stores = await storesFor(options, log, end.signal);
    const connection = await queueFrom(process.env, options.redis);
    const chosen = program.args[0] as Role;
    const { idleHalts, idleMinutes } = options;
    const onError = errorLog(log);
    if (idleHalts !== undefined) background(haltWhenIdle(idleHalts, idleMinutes * 60_000, end, onError));
    try {
      // After haltWhenIdle, which starts a dead Redis again.
      if (!(await awaitQueue(connection, log, end.signal))) return EXIT.done;
      if (chosen === "dashboard") {
        const { port, busyFile } = options;
        if (busyFile !== undefined) background(showWork(busyFile, connection, onError, end.signal));
        await showDashboard({ name: "", queue: connection, ...stores }, port, log, end.signal);
        return EXIT.done;
      }
      const { directory, compilers } = options;
      const lockMs = options.lockSeconds * 1000;
      const work = { connection, directory, ...stores, compilers, lockMs, onError, signal: end.signal };
      if (chosen !== "runner") background(removeOldThings(work));
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

/** In a container: reached over the swarm's network alone. */
async function showDashboard(
  swarm: SwarmAccess,
  port: number,
  log: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const [{ serveDashboard }, { tokenFor }] = await Promise.all([
    import("./serve-dashboard.ts"),
    import("../dashboard/token.ts"),
  ]);
  const { password } = swarm.queue;
  const token = password === undefined ? randomBytes(24).toString("base64url") : tokenFor(password);
  await using _ = await serveDashboard(swarm, { port, host: "0.0.0.0", token, log });
  if (!signal.aborted) await once(signal, "abort");
}

function inBackground(task: Promise<void>, signal: AbortSignal, onError: (error: Error) => void): void {
  task.catch((error: unknown) => {
    if (!signal.aborted) onError(error as Error);
  });
}

const ROLES = ["builder", "runner", "all", "dashboard"] as const;
type Role = (typeof ROLES)[number];

function role(text: string): Role {
  const known = ROLES.find((each) => each === text);
  if (known !== undefined) return known;
  throw new InvalidArgumentError(`It must be one of ${ROLES.join(", ")}.`);
}

function concurrency(text: string): number {
  return text === "cores" ? availableParallelism() : positive(text);
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("It must be a whole number from 1.");
  return value;
}
