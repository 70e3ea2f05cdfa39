import { readFileSync } from "node:fs";
import {
  LIMITS,
  passedOnVariables,
  type Limit,
  type LimitName,
  type Terminal,
} from "../model/environment.ts";

type Limits = Terminal["limits"];

/** The names of the rows of /proc/PID/limits. @see proc(5), setrlimit(2) */
const ROWS: Record<LimitName, string> = {
  cpu: "Max cpu time",
  fileSize: "Max file size",
  data: "Max data size",
  stack: "Max stack size",
  core: "Max core file size",
  files: "Max open files",
  memory: "Max address space",
};

/** Limits and umask that a process passes on to its child processes. */
export interface ProcessLimits {
  soft: Limits;
  hard: Limits;
  umask: number | undefined;
}

/** Returns the limits of this process; empty if there is no /proc. */
export function ownLimits(): ProcessLimits {
  return parseLimits(readTextIfExists("/proc/self/limits"), readTextIfExists("/proc/self/status"));
}

/**
 * Parses the limits and the umask of a process.
 * @param limits the content of /proc/PID/limits.
 * @param status the content of /proc/PID/status.
 */
export function parseLimits(limits: string, status: string): ProcessLimits {
  const parsed: ProcessLimits = { soft: {}, hard: {}, umask: undefined };
  for (const [name, row] of Object.entries(ROWS) as [LimitName, string][]) {
    const [soft, hard] =
      limits
        .split("\n")
        .find((line) => line.startsWith(`${row} `))
        ?.slice(row.length)
        .trim()
        .split(/\s+/) ?? [];
    if (soft === undefined || hard === undefined) continue;
    parsed.soft[name] = limitOf(soft);
    parsed.hard[name] = limitOf(hard);
  }
  const umask = /^Umask:\s*([0-7]+)$/m.exec(status)?.[1];
  if (umask !== undefined) parsed.umask = Number.parseInt(umask, 8);
  return parsed;
}

function limitOf(text: string): Limit {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : "unlimited";
}

/**
 * Returns the settings of this terminal that runs get: umask, limits, and the environment without the
 * variables that are not passed on. Node.js raises its own limit of open files when it starts, so the limit
 * of the parent process is used.
 */
export function ownTerminal(env: NodeJS.ProcessEnv = process.env): Terminal {
  const { soft, umask } = ownLimits();
  const { files } = parseLimits(readTextIfExists(`/proc/${process.ppid}/limits`), "").soft;
  const limits = { ...soft, ...(files !== undefined && { files }) };
  return { environment: passedOnVariables(env), limits, ...(umask !== undefined && { umask }) };
}

/** How a program is started with the limits of a terminal. */
export interface LimitedStart {
  /** Shell commands that set the limits; empty if this process has them already. */
  script: string;
  /** Limits that cannot be raised as requested, for a warning. */
  refused: string[];
}

/**
 * Compares the limits of a terminal with those that a worker passes on. A limit above the worker's hard limit
 * is reduced to the hard limit.
 */
export function limitedStart(wanted: Pick<Terminal, "limits" | "umask">, own: ProcessLimits): LimitedStart {
  const commands: string[] = [];
  const refused: string[] = [];
  if (wanted.umask !== undefined && own.umask !== undefined && wanted.umask !== own.umask)
    commands.push(`umask ${wanted.umask.toString(8).padStart(4, "0")}`);
  for (const [name, { option, unit }] of Object.entries(LIMITS) as [
    LimitName,
    (typeof LIMITS)[LimitName],
  ][]) {
    const [limit, soft, hard] = [wanted.limits[name], own.soft[name], own.hard[name]];
    if (limit === undefined || soft === undefined || hard === undefined) continue;
    const possible = isAbove(limit, hard) ? hard : limit;
    if (possible !== limit)
      refused.push(`${ROWS[name].toLowerCase()}: ${limit}, but the swarm's maximum is ${hard}`);
    if (possible !== soft)
      commands.push(
        `ulimit -S ${option} ${possible === "unlimited" ? possible : Math.ceil(possible / unit)}`,
      );
  }
  return { script: commands.join("; "), refused };
}

function isAbove(limit: Limit, other: Limit): boolean {
  return other !== "unlimited" && (limit === "unlimited" || limit > other);
}

function readTextIfExists(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return ""; // not Linux
  }
}
