import { once } from "node:events";
import { UserError } from "../../errors.ts";
import { awaitQueue } from "../../queue/check.ts";
import { openStores, type Stores } from "../../stores/open-stores.ts";
import type { SwarmAccess } from "../../providers/target.ts";
import { removeExpired } from "../../worker/janitor.ts";
import { runBuilder, runRunner } from "../../worker/worker.ts";
import { queueFrom, removeSecrets, secretFrom, secretsFrom } from "./access-from-environment.ts";
import { errorLog } from "./error-log.ts";
import { haltWhenIdle } from "./halt-when-idle.ts";
import { EXIT, type CommandContext } from "../terminal/command.ts";
import { writeHeartbeat, writeBusyFile } from "./heartbeat-files.ts";

export type Role = "builder" | "runner" | "all" | "dashboard";

export interface WorkOptions {
  redis?: string;
  /** Data directory of the Redis at that socket. */
  redisData?: string;
  /** File descriptor from which the URLs of servers are read. */
  secrets?: number;
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

/** Works as a process of a swarm until it is interrupted, and returns the exit code. */
export async function work(
  chosen: Role,
  options: WorkOptions,
  { interrupt, stderr }: Pick<CommandContext, "interrupt" | "stderr">,
): Promise<number> {
  const end = new AbortController();
  interrupt.addEventListener("abort", () => end.abort());
  if (interrupt.aborted) end.abort();
  const log = (text: string): void => void stderr.write(`${new Date().toISOString()} ${text}\n`);
  const { aliveFile } = options;
  const background = (task: Promise<void>): void => inBackground(task, end.signal, errorLog(log));
  const alive = (): void => {
    if (aliveFile !== undefined) background(writeHeartbeat(aliveFile, end.signal));
  };
  // A worker is alive while it waits for its servers, a dashboard only when it serves requests.
  if (chosen !== "dashboard") alive();
  const env = options.secrets === undefined ? { ...process.env } : secretsFrom(options.secrets);
  for (const name of removeSecrets(process.env)) log(exposed(name));
  await using stores = await storesFor(options, env, log, end.signal);
  const connection = await queueFrom(env, options.redis, options.redisData);
  const { idleHalts, idleMinutes } = options;
  const onError = errorLog(log);
  if (idleHalts !== undefined) {
    const { redisData: redis, directory: cache } = options;
    const folders = redis === undefined ? undefined : { redis, cache };
    background(haltWhenIdle({ swarm: idleHalts, folders, idleMs: idleMinutes * 60_000 }, end, onError));
  }
  try {
    // After haltWhenIdle, which restarts a dead Redis.
    if (!(await awaitQueue(connection, log, end.signal))) return EXIT.done;
    if (chosen === "dashboard") {
      const { port, busyFile } = options;
      if (busyFile !== undefined) background(writeBusyFile(busyFile, connection, onError, end.signal));
      const serving = { port, log, onServing: alive };
      await showDashboard({ name: "", queue: connection, ...stores }, serving, end.signal);
      return EXIT.done;
    }
    const { directory, compilers } = options;
    const lockMs = options.lockSeconds * 1000;
    const context = { connection, directory, ...stores, compilers, lockMs, onError, signal: end.signal };
    if (chosen !== "runner") background(removeExpired(context));
    await Promise.all([
      chosen === "runner" ? undefined : runBuilder(context),
      chosen === "builder" ? undefined : runRunner({ ...context, concurrency: options.concurrency }),
    ]);
  } finally {
    end.abort(); // stops the background tasks
  }
  return EXIT.done;
}

function exposed(name: string): string {
  const what = name.endsWith("_FILE") ? "the file that it names" : "it";
  return `warning: ${name} is set: simulations of the same user can read ${what}; see docs/security.md`;
}

async function storesFor(
  { builds, sources, results }: WorkOptions,
  env: NodeJS.ProcessEnv,
  log: (text: string) => void,
  signal: AbortSignal,
): Promise<Stores> {
  const url = await secretFrom(env, "MONGO_URL");
  if (url !== undefined) {
    return await openStores({ builds, sources, mongo: { url, onWaiting: log, waitAtStart: true, signal } });
  }
  if (results !== undefined && sources !== undefined) return await openStores({ builds, sources, results });
  throw new UserError("no place to store results is given", {
    hint: "give --results DIR and --sources DIR, or set MONGO_URL or MONGO_URL_FILE",
  });
}

/** Serves the dashboard in a container, which is reachable only over the swarm's network. */
async function showDashboard(
  swarm: SwarmAccess,
  { port, log, onServing }: { port: number; log: (text: string) => void; onServing: () => void },
  signal: AbortSignal,
): Promise<void> {
  const [{ serveDashboard }, { newToken, tokenFor }] = await Promise.all([
    import("./serve-dashboard.ts"),
    import("../../dashboard/token.ts"),
  ]);
  const { password } = swarm.queue;
  const token = password === undefined ? newToken() : tokenFor(password);
  await using _ = await serveDashboard(swarm, { port, host: "0.0.0.0", token, log });
  onServing();
  if (!signal.aborted) await once(signal, "abort");
}

function inBackground(task: Promise<void>, signal: AbortSignal, onError: (error: Error) => void): void {
  task.catch((error: unknown) => {
    if (!signal.aborted) onError(error as Error);
  });
}
