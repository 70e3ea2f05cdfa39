import path from "node:path";
import { makeFolders } from "../system/files.ts";
import { acquireLock } from "../system/lock.ts";
import type { SwarmEvents } from "./provider.ts";
import { lockFiles, swarmDirectories } from "./swarm-folders.ts";

const LOCK_TIMEOUT_MS = 60_000;

/**
 * Takes the lock of a swarm: one command at a time changes it. While the lock is waited for, another machine may have made
 * a swarm of this name: then this host's folder is another.
 */
async function lockSwarm(name: string, signal: AbortSignal | undefined): Promise<AsyncDisposable> {
  for (;;) {
    const { state: directory } = swarmDirectories(name);
    await makeFolders(path.dirname(directory), 0o700);
    const options = { timeoutMs: LOCK_TIMEOUT_MS, signal, ignoreFullDisk: true }; // else a swarm on it could not be removed
    const lock = await acquireLock(lockFiles(directory).operations, options);
    if (swarmDirectories(name).state === directory) return lock;
    await lock[Symbol.asyncDispose]();
  }
}

/** Works under the lock of a swarm. */
export async function withSwarmLock<T>(
  name: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  await using _ = await lockSwarm(name, signal);
  return await work();
}

/** The same for an operation with events. */
export async function* eventsUnderLock<R>(
  name: string,
  work: () => SwarmEvents<R>,
  signal?: AbortSignal,
): SwarmEvents<R> {
  await using _ = await lockSwarm(name, signal);
  return yield* work();
}
