import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { errorCode, UserError } from "../errors.ts";
import { identify, isAlive, type ProcessIdentity } from "../system/identity.ts";
import type { LocalState } from "./swarm-state.ts";
import { socketFile, workerArguments } from "./local-paths.ts";

type SwarmProcess = LocalState["processes"][number];
export const ROLES = ["redis", "builder", "runner", "dashboard"] as const;
export type Role = (typeof ROLES)[number];

const READY_TIMEOUT_MS = 20_000;
const POLL_MS = 10;
/** Long enough for OMNeT++ to finish and for the runner to hand its runs back. */
const STOP_TIMEOUT_MS = 20_000;

/** Whether every process of a local swarm runs. */
export function isComplete({ processes }: LocalState): boolean {
  return ROLES.every((role) => processes.some((process) => process.role === role && isAlive(process)));
}

/**
 * Starts what does not run of the processes of a local swarm.
 * @param save is told after each start, so that a process never runs that nobody knows of.
 */
export async function startMissing(
  state: LocalState,
  directory: string,
  save: (processes: SwarmProcess[]) => Promise<void>,
): Promise<void> {
  const processes = state.processes.filter(isAlive);
  await save(processes);
  for (const role of ROLES) {
    if (!processes.some((process) => process.role === role)) {
      processes.push(await startRole(role, state, directory));
      await save(processes);
    }
    if (role === "redis")
      await answers(
        state,
        processes.find((process) => process.role === "redis")!,
      );
  }
}

async function startRole(role: Role, state: LocalState, directory: string): Promise<SwarmProcess> {
  const logs = path.join(directory, "logs");
  await mkdir(logs, { recursive: true, mode: 0o700 });
  const log = path.join(logs, `${role}.log`);
  const [file, args] = role === "redis" ? await redisCommand(state, directory) : workerArguments(role, state);
  const mongo = role === "redis" || state.mongoUrl === undefined ? {} : { MONGO_URL: state.mongoUrl };
  const identity = await startDetached(file, args, log, mongo);
  return { role, log, ...identity };
}

async function redisCommand(state: LocalState, directory: string): Promise<[string, string[]]> {
  const data = path.join(directory, "redis");
  await mkdir(data, { recursive: true, mode: 0o700 });
  await mkdir(state.socketDirectory, { recursive: true, mode: 0o700 });
  const options = {
    port: "0",
    unixsocket: socketFile(state),
    unixsocketperm: "700",
    dir: data,
    appendonly: "yes",
    save: "",
    "maxmemory-policy": "noeviction",
  };
  return ["redis-server", Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])];
}

/**
 * A process that lives on when this one has ended and its terminal is closed.
 * @param secrets for its environment, which its user alone can read; those of ours are not for it.
 */
async function startDetached(
  file: string,
  args: readonly string[],
  log: string,
  secrets: NodeJS.ProcessEnv,
): Promise<ProcessIdentity> {
  const output = openSync(log, "a", 0o600);
  try {
    const child = spawn(file, args, {
      detached: true,
      stdio: ["ignore", output, output],
      cwd: "/",
      env: { ...withoutSecrets(process.env), ...secrets },
    });
    await once(child, "spawn");
    child.unref();
    const identity = identify(child.pid!);
    if (identity === undefined) throw new UserError(`${file} ended at once`, { hint: `see ${log}` });
    return identity;
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    throw new UserError(`${file}: command not found`, { hint: installHint(file), cause: error });
  } finally {
    closeSync(output);
  }
}

/** What `swarm-worker` takes from its environment; a user's own must not reach it by chance. */
function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ours = ["MONGO_URL", "MONGO_URL_FILE", "REDIS_URL", "REDIS_URL_FILE"];
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ours.includes(name)));
}

function installHint(file: string): string {
  if (file !== "redis-server") return `install ${file}`;
  return "the swarm on this machine keeps its queue in Redis; install it: apt-get install redis-server, dnf install redis, or brew install redis";
}

/** Waits until Redis answers. */
async function answers(state: LocalState, redis: SwarmProcess): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  const probe = new Redis({
    path: socketFile(state),
    retryStrategy: () => POLL_MS,
    maxRetriesPerRequest: null,
  });
  probe.on("error", () => undefined); // refused until the socket is there
  try {
    for (;;) {
      if (await Promise.race([ping(probe), delay(500, false)])) return;
      if (isAlive(redis) && Date.now() < deadline) continue;
      const lines = await lastLines(redis.log, 3);
      throw new UserError(`redis-server does not start:\n${lines}`, { hint: `see ${redis.log}` });
    }
  } finally {
    probe.disconnect();
  }
}

async function ping(probe: Redis): Promise<boolean> {
  try {
    await probe.ping();
    return true;
  } catch {
    return false; // still loading its data
  }
}

/** SIGTERM, and SIGKILL for what does not heed it in time. */
export async function stopAll(
  processes: readonly SwarmProcess[],
  timeoutMs = STOP_TIMEOUT_MS,
): Promise<void> {
  await Promise.all(processes.map((process) => stop(process, timeoutMs)));
}

async function stop(identity: ProcessIdentity, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  sendSignal(identity, "SIGTERM");
  while (isAlive(identity)) {
    if (Date.now() > deadline) sendSignal(identity, "SIGKILL");
    await delay(POLL_MS);
  }
}

function sendSignal(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if (errorCode(error) !== "ESRCH") throw error;
  }
}

async function lastLines(file: string, count: number): Promise<string> {
  await using handle = await open(file);
  const text = await handle.readFile("utf8");
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
