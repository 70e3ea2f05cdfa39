import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { statFields } from "./identity.ts";
import { isInside } from "./paths.ts";
import { attempts } from "./poll.ts";

/**
 * Environment variable of everything that a worker executes in a folder of its own: the folder. A program that leaves
 * its process group and its session keeps it.
 */
export const MARKER = "INET_SWARM_RUN";

const END_TIMEOUT_MS = 5000;
const POLL_MS = 5;
/** Up to here it is cheaper to ask for each process id than to list them all. */
const FEW = 200;

/**
 * Ends the processes of this user that were started in a folder of a worker and have survived what started them: those
 * with its marker, and orphans that work in the folder or execute a file of it. A process that waits for a broken
 * disk does not end.
 * @param startedAfter pid of a process: only those that were started later. Undefined: all.
 * @returns pids that are still there after five seconds.
 */
export async function endProcessesOf(directory: string, startedAfter?: number): Promise<number[]> {
  const nextLook = attempts({ everyMs: POLL_MS, timeoutMs: END_TIMEOUT_MS });
  const places = new Set([directory, realPlace(directory)]);
  for (;;) {
    const found = processesOf([...places], startedAfter);
    if (found.length === 0) return found;
    for (const signal of ["SIGSTOP", "SIGKILL"] as const) for (const pid of found) signalOne(pid, signal); // stopped, it starts no other
    if (!(await nextLook())) return found;
  }
}

/** The kernel shows working directories without symbolic links. */
function realPlace(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return directory; // it is not there any more
  }
}

function processesOf(directories: readonly string[], startedAfter: number | undefined): number[] {
  if (process.platform !== "linux") return []; // nothing tells the environment of a process
  const isIn = (file: string): boolean =>
    path.isAbsolute(file) && directories.some((directory) => isInside(directory, file));
  return pidsAfter(startedAfter).filter((pid) => pid !== process.pid && belongsTo(pid, isIn));
}

function belongsTo(pid: number, isIn: (file: string) => boolean): boolean {
  try {
    const stats = statSync(`/proc/${pid}`, { throwIfNoEntry: false }); // an exception would cost more than all the rest
    if (stats?.uid !== process.getuid!()) return false;
    const prefix = `${MARKER}=`;
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    const marker = environment.find((variable) => variable.startsWith(prefix));
    if (marker !== undefined) return isIn(marker.slice(prefix.length));
    return isOrphan(pid) && ["cwd", "exe"].some((link) => isIn(targetOf(`/proc/${pid}/${link}`)));
  } catch {
    return false; // it has ended, or is not for us to see
  }
}

/** A shell in which the user has gone there has a parent. */
function isOrphan(pid: number): boolean {
  const parent = Number(statFields(readFileSync(`/proc/${pid}/stat`, "latin1"))[1]);
  if (parent === 1) return true;
  return readFileSync(`/proc/${parent}/comm`, "latin1").trim() === "systemd";
}

function targetOf(link: string): string {
  return readlinkSync(link).replace(/ \(deleted\)$/, "");
}

/** The kernel gives process ids in ascending order, and begins anew after the largest. */
function pidsAfter(first: number | undefined): number[] {
  const last = first === undefined ? undefined : lastPid();
  if (first !== undefined && last !== undefined && last >= first && last - first <= FEW)
    return Array.from({ length: last - first }, (_, at) => first + 1 + at);
  const all = readdirSync("/proc").map(Number).filter(Number.isInteger);
  if (first === undefined || last === undefined) return all;
  return all.filter((pid) => (last >= first ? pid > first && pid <= last : pid > first || pid <= last));
}

/** @see proc(5): the last field of /proc/loadavg is the most recent process id of the namespace. */
function lastPid(): number | undefined {
  const last = Number(readFileSync("/proc/loadavg", "latin1").trim().split(" ").at(-1));
  return Number.isInteger(last) && last > 0 ? last : undefined;
}

function signalOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}
