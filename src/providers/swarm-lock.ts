import path from "node:path";
import { makeFolders } from "../system/files.ts";
import { acquireLock } from "../system/lock.ts";
import type { SwarmEvents } from "./provider.ts";
import { lockFiles, swarmDirectories } from "./swarm-folders.ts";

const LOCK_TIMEOUT_MS = 60_000;

/**
 * Acquires the lock of a swarm, so that only one command at a time changes it. While this waits, another machine may
 * create a swarm of this name; this host then uses another folder.
 */
async function lockSwarm(name: string, signal: AbortSignal | undefined): Promise<AsyncDisposable> {
  for (;;) {
    const { state: directory } = swarmDirectories(name);
    await makeFolders(path.dirname(directory), 0o700);
    const options = { timeoutMs: LOCK_TIMEOUT_MS, signal, ignoreFullDisk: true }; // `remove` frees space
    const lock = await acquireLock(lockFiles(directory).operations, options);
    if (swarmDirectories(name).state === directory) return lock;
    await lock[Symbol.asyncDispose]();
  }
}

/** Calls a function while holding the lock of a swarm, and returns its result. */
export async function withSwarmLock<T>(
  name: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  await using _ = await lockSwarm(name, signal);
  return await work();
}

/** Runs an operation while holding the lock of a swarm: yields its events and returns its result. */
export async function* eventsUnderLock<R>(
  name: string,
  work: () => SwarmEvents<R>,
  signal?: AbortSignal,
): SwarmEvents<R> {
  await using _ = await lockSwarm(name, signal);
  return yield* work();
}
