import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import { UserError } from "../errors.ts";
import { travelling } from "../model/environment.ts";
import { isAlive } from "../system/identity.ts";
import { lastLines, SECRETS_DESCRIPTOR, startDetached } from "./background.ts";
import type { LocalState } from "./swarm-state.ts";
import { socketFile, workerArguments } from "./local-paths.ts";
import { makeFolders } from "../system/files.ts";

type SwarmProcess = LocalState["processes"][number];
export const ROLES = ["redis", "builder", "runner", "dashboard"] as const;
export type Role = (typeof ROLES)[number];

const READY_TIMEOUT_MS = 20_000;
const POLL_MS = 10;

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
  await makeFolders(logs, 0o700);
  const log = path.join(logs, `${role}.log`);
  const [file, args] = role === "redis" ? await redisCommand(state, directory) : workerArguments(role, state);
  const isWorker = role === "builder" || role === "runner";
  const secrets = isWorker && state.mongoUrl !== undefined ? { MONGO_URL: state.mongoUrl } : undefined;
  if (secrets !== undefined) args.push("--secrets", String(SECRETS_DESCRIPTOR));
  const env = travelling(process.env); // runs could read in /proc what this terminal has beside that
  const identity = await startDetached(file, args, log, { secrets, env, missing: installHint(file) });
  return { role, log, ...identity };
}

async function redisCommand(state: LocalState, directory: string): Promise<[string, string[]]> {
  const data = path.join(directory, "redis");
  await makeFolders(data, 0o700);
  await makeFolders(state.socketDirectory, 0o700);
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

function installHint(file: string): string {
  if (file !== "redis-server") return `install ${file}`;
  return "the swarm on this machine keeps its queue in Redis; install it: apt-get install redis-server, dnf install redis, or brew install redis";
}

/** Waits until Redis answers. */
async function answers(state: LocalState, redis: SwarmProcess): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  const probe = await openProbe(socketFile(state));
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

/** Loaded here: most campaigns find their swarm running, and have other things to begin with. */
async function openProbe(socket: string): Promise<Redis> {
  const { Redis: Client } = await import("ioredis");
  return new Client({ path: socket, retryStrategy: () => POLL_MS, maxRetriesPerRequest: null });
}

async function ping(probe: Redis): Promise<boolean> {
  try {
    await probe.ping();
    return true;
  } catch {
    return false; // still loading its data
  }
}
