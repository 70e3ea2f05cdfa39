import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import { UserError } from "../../errors.ts";
import { socketConnection } from "../../queue/names.ts";
import { makeFolders, lstatIfExists } from "../../system/files.ts";
import { isAlive, type ProcessIdentity } from "../../system/identity.ts";
import {
  ExitedImmediately,
  findProcesses,
  lastLines,
  startDetached,
  stopAll,
  textFrom,
} from "../processes.ts";
import { redisDirectory } from "../swarm-folders.ts";
import { socketFile } from "./local-paths.ts";
import { findRedisServer, REDIS_HINT } from "./redis-server.ts";
import { completeRepair, isDamaged, leftOut, repairData } from "./redis-repair.ts";
import type { LocalState } from "../swarm-state.ts";

const READY_TIMEOUT_MS = 20_000;
const POLL_MS = 10;

/** Where and how to start a Redis. */
export interface RedisPlace {
  state: Pick<LocalState, "socketDirectory">;
  /** State directory of the swarm. */
  directory: string;
  log: string;
  env: NodeJS.ProcessEnv;
  /** Called with what was damaged and repaired. */
  report: (text: string) => void;
}

/**
 * Starts the Redis of a local swarm and waits until it has loaded its data. A damaged append-only file is repaired.
 * @param save called after each start, so that the state file contains every running process.
 * @throws {UserError} if there is no Redis, it does not start, or its data cannot be repaired.
 */
export async function startRedis(
  place: RedisPlace,
  save: (redis: ProcessIdentity) => Promise<void>,
): Promise<ProcessIdentity> {
  const data = redisDirectory(place.directory);
  await stopOthers(place);
  await completeRepair(data);
  const server = await findRedisServer();
  if (server === undefined) throw new UserError("redis-server: command not found", { hint: REDIS_HINT });
  for (let repaired = false; ; repaired = true) {
    const logOffset = (await lstatIfExists(place.log))?.size ?? 0;
    try {
      const redis = await start(server, data, place);
      await save(redis);
      await awaitRedis(redis, place);
      const lost = leftOut(await textFrom(place.log, logOffset));
      if (lost !== undefined) place.report(lost);
      return redis;
    } catch (error) {
      if (!(error instanceof ExitedImmediately)) throw error;
      const isRepairable = !repaired && isDamaged(await textFrom(place.log, logOffset));
      if (!isRepairable)
        throw new ExitedImmediately(await describeFailure(place.log), { hint: `see ${place.log}` });
      place.report(await repairData(data, server));
    }
  }
}

/** Stops other Redis processes that use the same data: two of them would write to the same files. */
async function stopOthers({ directory, report }: RedisPlace): Promise<void> {
  const others = findProcesses(directory).filter(({ role }) => role === "redis");
  if (others.length === 0) return;
  await stopAll(others);
  report(
    `stopped an unknown Redis that used the same data: process ${others.map(({ pid }) => pid).join(", ")}`,
  );
}

async function start(
  server: string,
  data: string,
  { state, log, env }: RedisPlace,
): Promise<ProcessIdentity> {
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
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  return await startDetached(server, args, log, { env, missing: REDIS_HINT });
}

/**
 * Waits until Redis answers at the swarm's socket.
 * @throws {UserError} if Redis exits or does not answer in time, or if another one answers.
 */
export async function awaitRedis(
  redis: ProcessIdentity,
  { state, log }: Pick<RedisPlace, "state" | "log">,
): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  const probe = await openProbe(socketFile(state));
  let refused: UserError | undefined;
  probe.on("error", (error) => (refused = error instanceof UserError ? error : undefined)); // other errors: not started yet
  try {
    for (;;) {
      const pid = await Promise.race([processId(probe), delay(500, undefined)]);
      if (pid === redis.pid) return;
      if (refused !== undefined) throw refused;
      if (pid !== undefined) throw foreign(socketFile(state), pid);
      const isRunning = isAlive(redis);
      if (isRunning && Date.now() < deadline) continue;
      const Failure = isRunning ? UserError : ExitedImmediately;
      throw new Failure(await describeFailure(log), { hint: `see ${log}` });
    }
  } finally {
    probe.disconnect();
  }
}

async function describeFailure(log: string): Promise<string> {
  return `redis-server does not start:\n${await lastLines(log, 3)}`;
}

function foreign(socket: string, pid: number): UserError {
  return new UserError(`another Redis (process ${pid}) listens at ${socket}`, {
    hint: `it does not belong to this swarm; find out who started it with: ps -fp ${pid}; stop it, then resume the swarm`,
  });
}

/** Loads ioredis only here, because most campaigns find their swarm running and start faster without it. */
async function openProbe(socket: string): Promise<Redis> {
  const { Redis: Client } = await import("ioredis");
  return new Client({ ...socketConnection(socket), retryStrategy: () => POLL_MS });
}

/** Returns the server's process ID; undefined while it loads its data. */
async function processId(probe: Redis): Promise<number | undefined> {
  try {
    await probe.ping();
    return Number(/^process_id:(\d+)/m.exec(await probe.info("server"))?.[1]);
  } catch {
    return undefined; // still loading its data
  }
}
