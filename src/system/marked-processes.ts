import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { statFields } from "./identity.ts";
import { isInside } from "./paths.ts";
import { attempts } from "./poll.ts";

/**
 * Environment variable that names the folder in which a worker executes a run. Every process of the run inherits it, even
 * one that leaves its process group and session.
 */
export const MARKER = "INET_SWARM_RUN";

const END_TIMEOUT_MS = 5000;
const POLL_MS = 5;
/** Up to this number, looking up each process ID is cheaper than listing all of them. */
const FEW_PIDS = 200;

/**
 * Kills the processes of this user that are left over from a run in a worker's folder: those with the marker, and
 * orphans whose working directory or program file is in the folder. A process that waits for a broken disk
 * cannot be killed.
 * @param startedAfter pid of a process: only processes started later are killed. Undefined: all.
 * @returns the pids that still exist after five seconds.
 */
export async function endProcessesOf(directory: string, startedAfter?: number): Promise<number[]> {
  const nextLook = attempts({ everyMs: POLL_MS, timeoutMs: END_TIMEOUT_MS });
  const places = new Set([directory, realPlace(directory)]);
  for (;;) {
    const found = processesOf([...places], startedAfter);
    if (found.length === 0) return found;
    for (const signal of ["SIGSTOP", "SIGKILL"] as const) for (const pid of found) signalOne(pid, signal); // a stopped process cannot start another one
    if (!(await nextLook())) return found;
  }
}

/** Returns a directory's path without symbolic links, as the kernel shows working directories. */
function realPlace(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return directory; // it no longer exists
  }
}

function processesOf(directories: readonly string[], startedAfter: number | undefined): number[] {
  if (process.platform !== "linux") return []; // other systems do not show the environment of a process
  const isIn = (file: string): boolean =>
    path.isAbsolute(file) && directories.some((directory) => isInside(directory, file));
  return pidsAfter(startedAfter).filter((pid) => pid !== process.pid && belongsTo(pid, isIn));
}

function belongsTo(pid: number, isIn: (file: string) => boolean): boolean {
  try {
    const stats = statSync(`/proc/${pid}`, { throwIfNoEntry: false }); // an exception would be more expensive than all the rest
    if (stats?.uid !== process.getuid!()) return false;
    const prefix = `${MARKER}=`;
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    const marker = environment.find((variable) => variable.startsWith(prefix));
    if (marker !== undefined) return isIn(marker.slice(prefix.length));
    return isOrphan(pid) && ["cwd", "exe"].some((link) => isIn(targetOf(`/proc/${pid}/${link}`)));
  } catch {
    return false; // it has ended, or access is denied
  }
}

/** Returns whether a process has lost its parent, unlike a user's shell that is in the folder. */
function isOrphan(pid: number): boolean {
  const parent = Number(statFields(readFileSync(`/proc/${pid}/stat`, "latin1"))[1]);
  if (parent === 1) return true;
  return readFileSync(`/proc/${parent}/comm`, "latin1").trim() === "systemd";
}

function targetOf(link: string): string {
  return readlinkSync(link).replace(/ \(deleted\)$/, "");
}

/** Returns the pids assigned since a process was started. The kernel assigns them in ascending order and wraps around. */
function pidsAfter(first: number | undefined): number[] {
  const last = first === undefined ? undefined : lastPid();
  if (first !== undefined && last !== undefined && last >= first && last - first <= FEW_PIDS)
    return Array.from({ length: last - first }, (_, at) => first + 1 + at);
  const all = readdirSync("/proc").map(Number).filter(Number.isInteger);
  if (first === undefined || last === undefined) return all;
  return all.filter((pid) => (last >= first ? pid > first && pid <= last : pid > first || pid <= last));
}

/** @see proc(5): the last field of /proc/loadavg is the most recent process ID of the namespace. */
function lastPid(): number | undefined {
  const last = Number(readFileSync("/proc/loadavg", "latin1").trim().split(" ").at(-1));
  return Number.isInteger(last) && last > 0 ? last : undefined;
}

function signalOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // the process has ended
  }
}
