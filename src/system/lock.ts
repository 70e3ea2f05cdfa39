import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { link, rename, rm, stat, writeFile } from "node:fs/promises";
import { uptime } from "node:os";
import * as v from "valibot";
import { errorCode, UserError } from "../errors.ts";
import { isDiskFullError } from "./disk.ts";
import { temporaryName } from "./files.ts";
import { describeHost, thisHost, type Host } from "./host.ts";
import { identify, lifeStatus, ProcessIdentitySchema, type ProcessIdentity } from "./identity.ts";
import { parseJsonOrUndefined } from "./json.ts";
import { attempts } from "./poll.ts";
import { boundedText } from "./regular-file.ts";

const POLL_MS = 50;
const MOST_BYTES = 1 << 16;
/** Tolerance for file times, which may come from another machine's clock. */
const CLOCK_TOLERANCE_MS = 60_000;

const OwnerSchema = v.object({
  ...ProcessIdentitySchema.entries,
  /** Distinguishes several locks of one process; missing in lock files of earlier versions. */
  id: v.optional(v.string()),
});
type Owner = v.InferOutput<typeof OwnerSchema>;

/** A lock is held by another process. */
export class LockedError extends UserError {
  override name = "LockedError";
  /** The process that holds it; undefined if it has just released it. */
  readonly pid: number | undefined;
  /** Name of that process's machine; undefined if it is this one. */
  readonly machine: string | undefined;

  constructor(file: string, owner: Owner | "damaged" | undefined, here: Host) {
    const known = owner === "damaged" ? undefined : owner;
    const host = known !== undefined && lifeStatus(known, here) === "elsewhere" ? known.host : undefined;
    const machine = host && describeHost(host, here);
    const where = machine === undefined ? "" : ` on ${machine}`;
    super(`${file} is locked by process ${known?.pid ?? "?"}${where}`, {
      hint:
        owner === "damaged"
          ? `the lock file is damaged; if none of your commands uses it on any machine, remove it: rm '${file}'`
          : machine === undefined
            ? "wait until that process has finished"
            : `wait until that process has finished, or run the command on ${machine}; if that machine no longer exists, remove the lock: rm '${file}'`,
    });
    this.pid = known?.pid;
    this.machine = machine;
  }
}

/** How to acquire a lock. */
export interface LockOptions {
  /** How long to wait for the lock to be released. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** The host whose processes can be checked (default: this one). */
  here?: Host;
  /** Proceeds without a lock file if the disk is full and no process holds the lock: for commands that free space. */
  ignoreFullDisk?: boolean;
}

/**
 * Acquires a lock file and returns an object that releases it. The lock also holds between machines that share the
 * directory, for example by NFS. A lock whose owner ran on this host and has ended (or was ended by a reboot) is taken
 * over; a lock of another machine is never broken.
 * @throws {LockedError} if the lock is still held after `timeoutMs`; it names the owner's pid and machine.
 */
export async function acquireLock(file: string, options: LockOptions): Promise<AsyncDisposable> {
  const { timeoutMs, signal, here = thisHost(), ignoreFullDisk = false } = options;
  const nextAttempt = attempts({ everyMs: POLL_MS, timeoutMs, signal });
  for (;;) {
    signal?.throwIfAborted();
    const lock = await tryLock(file, here).catch(async (error: unknown) => {
      if (!ignoreFullDisk || !isDiskFullError(error)) throw error;
      const owner = ownerOf(file);
      if (owner !== undefined && !(await isStale(file, owner, here))) return undefined;
      return { [Symbol.asyncDispose]: () => Promise.resolve() };
    });
    if (lock !== undefined) return lock;
    if (!(await nextAttempt())) throw new LockedError(file, ownerOf(file), here);
  }
}

/**
 * Creates the lock file, as a hard link to a complete file so that a reader never sees it empty. Returns undefined if
 * another process holds the lock.
 */
async function tryLock(file: string, here: Host): Promise<AsyncDisposable | undefined> {
  const id = randomUUID();
  const mine: Owner = { ...identify(process.pid)!, host: here, id };
  const temporary = temporaryName(file);
  try {
    await writeFile(temporary, JSON.stringify(mine), { flag: "wx" });
    if (await linkExclusively(temporary, file)) return { [Symbol.asyncDispose]: () => release(file, id) };
  } finally {
    await rm(temporary, { force: true });
  }
  const owner = ownerOf(file);
  if (owner === undefined || !(await isStale(file, owner, here))) return undefined;
  return (await removeStale(file, owner, here)) ? await tryLock(file, here) : undefined;
}

/**
 * Creates a hard link to a temporary file, and returns false if the name exists already. On NFS, the reply to a
 * successful request may be lost, and the repeated one fails with EEXIST; therefore, the number of links decides.
 * @see open(2), about `O_EXCL` and link(2)
 */
export async function linkExclusively(temporary: string, file: string): Promise<boolean> {
  try {
    await link(temporary, file);
    return true;
  } catch (error) {
    if ((await stat(temporary)).nlink === 2) return true;
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** Removes the lock only if it is still ours: a user may have removed it, and another process may hold it by now. */
async function release(file: string, id: string): Promise<void> {
  const owner = ownerOf(file);
  if (owner === undefined || owner === "damaged" || owner.id !== id) return;
  await rm(file, { force: true });
}

async function isStale(file: string, owner: Owner | "damaged", here: Host): Promise<boolean> {
  if (owner !== "damaged") return lifeStatus(owner, here) === "ended";
  // A lock file is complete before it gets its name, so that only a crash of the machine can leave a damaged one.
  const changed = await stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => Infinity, // has been removed
  );
  return changed + CLOCK_TOLERANCE_MS < Date.now() - uptime() * 1000;
}

/**
 * Removes a stale lock. A second lock ensures that only one process does so at a time, so that no new lock is removed by
 * mistake. Because a repeated NFS request could still do that, the file is moved aside first, and put back if it is not
 * the stale lock.
 * @returns false if another process is removing, or has replaced, the stale lock.
 */
async function removeStale(file: string, stale: Owner | "damaged", here: Host): Promise<boolean> {
  await using breaker = await tryLock(`${file}.stale`, here);
  if (breaker === undefined) return false;
  if (!isSame(ownerOf(file), stale)) return false;
  const aside = temporaryName(file);
  try {
    await rename(file, aside);
    const moved = ownerOf(aside);
    if (isSame(moved, stale)) return true;
    await link(aside, file);
    return false;
  } catch (error) {
    if (errorCode(error) !== "ENOENT" && errorCode(error) !== "EEXIST") throw error;
    return false;
  } finally {
    await rm(aside, { force: true });
  }
}

function isSame(one: Owner | "damaged" | undefined, other: Owner | "damaged"): boolean {
  if (typeof one !== "object" || typeof other !== "object") return one === other;
  return one.id === other.id && one.pid === other.pid && one.startTime === other.startTime;
}

/** Returns the process that holds a lock; undefined if there is none, or if the lock file is damaged. */
export function lockOwner(file: string): ProcessIdentity | undefined {
  const owner = ownerOf(file);
  return owner === "damaged" ? undefined : owner;
}

/** Returns the content of a lock file, or undefined if there is none. @throws if the file cannot be read. */
function ownerOf(file: string): Owner | "damaged" | undefined {
  try {
    const text = boundedText(file, MOST_BYTES);
    if (text === undefined && !existsSync(file)) return undefined;
    const parsed = v.safeParse(OwnerSchema, parseJsonOrUndefined(text));
    return parsed.success ? parsed.output : "damaged";
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ESTALE"].includes(errorCode(error) ?? "")) return undefined; // ESTALE: removed on another machine
    throw error;
  }
}
