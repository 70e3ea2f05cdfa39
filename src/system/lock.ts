import { link, rename, rm, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { errorCode, UserError } from "../errors.ts";
import { temporaryName } from "./files.ts";
import { identify, isAlive, ProcessIdentitySchema, type ProcessIdentity } from "./identity.ts";
import { readJson } from "./json.ts";

const POLL_MS = 50;

/** A lock is held by another process. */
export class LockedError extends UserError {
  override name = "LockedError";
  /** The process that holds it; undefined where it has just let go of it. */
  readonly pid: number | undefined;

  constructor(file: string, pid: number | undefined, options: { hint: string }) {
    super(`${file} is locked by process ${pid ?? "?"}`, options);
    this.pid = pid;
  }
}

/**
 * Takes a lock that all processes of this machine respect. A lock whose owner has died is taken over.
 * @param timeoutMs how long to wait for its owner.
 * @throws {LockedError} when it is still held after that time; names the owner's pid.
 */
export async function acquireLock(
  file: string,
  options: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<AsyncDisposable> {
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    if (await tryLock(file)) return { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
    if (Date.now() >= deadline) {
      throw new LockedError(file, (await owner(file))?.pid, {
        hint: "wait until that process is done, or end it",
      });
    }
    await delay(POLL_MS, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}

/** The lock file appears whole, by a hard link to a finished one: a reader never sees it empty. */
async function tryLock(file: string): Promise<boolean> {
  const temporary = temporaryName(file);
  await writeFile(temporary, JSON.stringify(identify(process.pid)));
  try {
    await link(temporary, file);
    return true;
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
    const holder = await owner(file);
    if (holder === undefined || isAlive(holder)) return false;
    await removeStale(file);
    return await tryLock(file);
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Removing by name could hit the fresh lock of somebody who was faster; so it is moved aside, looked at
 * again, and put back where it turns out to be alive.
 */
async function removeStale(file: string): Promise<void> {
  const aside = temporaryName(file);
  try {
    await rename(file, aside);
    const holder = await owner(aside);
    if (holder !== undefined && isAlive(holder)) await link(aside, file);
  } catch (error) {
    if (errorCode(error) !== "ENOENT" && errorCode(error) !== "EEXIST") throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

function owner(file: string): Promise<ProcessIdentity | undefined> {
  return readJson(file, ProcessIdentitySchema);
}
