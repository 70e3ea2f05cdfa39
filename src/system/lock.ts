import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { link, rename, rm, stat, writeFile } from "node:fs/promises";
import { uptime } from "node:os";
import * as v from "valibot";
import { errorCode, UserError } from "../errors.ts";
import { isDiskFullError } from "./disk.ts";
import { temporaryName } from "./files.ts";
import { describeHost, thisHost, type Host } from "./host.ts";
import { identify, lifeOf, ProcessIdentitySchema, type ProcessIdentity } from "./identity.ts";
import { jsonIn } from "./json.ts";
import { attempts } from "./poll.ts";
import { boundedText } from "./regular-file.ts";

const POLL_MS = 50;
const MOST_BYTES = 1 << 16;
/** Of times of files, which may come from another machine's clock. */
const CLOCK_TOLERANCE_MS = 60_000;

const OwnerSchema = v.object({
  ...ProcessIdentitySchema.entries,
  /** Tells two locks of one process apart; earlier versions had none. */
  id: v.optional(v.string()),
});
type Owner = v.InferOutput<typeof OwnerSchema>;

/** A lock is held by another process. */
export class LockedError extends UserError {
  override name = "LockedError";
  /** The process that holds it; undefined if it has just released it. */
  readonly pid: number | undefined;
  /** Name of its machine, if that is not this one. */
  readonly machine: string | undefined;

  constructor(file: string, owner: Owner | "damaged" | undefined, here: Host) {
    const known = owner === "damaged" ? undefined : owner;
    const host = known !== undefined && lifeOf(known, here) === "elsewhere" ? known.host : undefined;
    const machine = host && describeHost(host, here);
    const where = machine === undefined ? "" : ` on ${machine}`;
    super(`${file} is locked by process ${known?.pid ?? "?"}${where}`, {
      hint:
        owner === "damaged"
          ? `the lock file is damaged; if none of your commands uses it on any machine, remove it: rm '${file}'`
          : machine === undefined
            ? "wait until that process has finished, or stop it"
            : `wait until that process has finished, or run the command on ${machine}; if that machine no longer exists, remove the lock: rm '${file}'`,
    });
    this.pid = known?.pid;
    this.machine = machine;
  }
}

export interface LockOptions {
  /** How long to wait for its owner. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Whose locks are known to be dead or alive. */
  here?: Host;
  /** Proceeds without a lock file if the disk is full and no process holds the lock: for commands that free space. */
  ignoreFullDisk?: boolean;
}

/**
 * Takes a lock that the processes of all machines respect that share the directory, also over NFS. The lock of a process
 * of this host that has ended, also by a reboot, is taken over; one of another machine is never touched.
 * @throws {LockedError} when it is still held after that time; names the owner's pid and machine.
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

/** The lock file appears whole, by a hard link to a finished one: a reader never sees it empty. */
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
 * Gives a file a second name. On NFS the answer to a link that succeeded may be lost, and the repeated call then says that
 * the name is taken: the number of links tells.
 * @returns false if the name is taken.
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

/** Removes our own lock only: somebody may have removed it by hand, and it may be another's by now. */
async function release(file: string, id: string): Promise<void> {
  const owner = ownerOf(file);
  if (owner === undefined || owner === "damaged" || owner.id !== id) return;
  await rm(file, { force: true });
}

async function isStale(file: string, owner: Owner | "damaged", here: Host): Promise<boolean> {
  if (owner !== "damaged") return lifeOf(owner, here) === "ended";
  // A lock is complete before it gets its name, so only a crash of the machine leaves a damaged one.
  const changed = await stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => Infinity, // gone
  );
  return changed + CLOCK_TOLERANCE_MS < Date.now() - uptime() * 1000;
}

/**
 * Removes a stale lock. Only one process at a time may, under a lock of its own, so nobody else's fresh lock is hit; and
 * because a repeated call of NFS could still hit one, the file is moved aside first, and put back if it is another.
 * @returns false if another process is faster.
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

/** The process that a lock names; undefined if nobody holds it, or the file is damaged. */
export function lockOwner(file: string): ProcessIdentity | undefined {
  const owner = ownerOf(file);
  return owner === "damaged" ? undefined : owner;
}

/** Returns undefined if nobody holds the lock. @throws {UserError} if the file cannot be read. */
function ownerOf(file: string): Owner | "damaged" | undefined {
  try {
    const text = boundedText(file, MOST_BYTES);
    if (text === undefined && !existsSync(file)) return undefined;
    const parsed = v.safeParse(OwnerSchema, jsonIn(text));
    return parsed.success ? parsed.output : "damaged";
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ESTALE"].includes(errorCode(error) ?? "")) return undefined; // ESTALE: removed on another machine
    throw error;
  }
}
