import { readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import * as v from "valibot";

/** A process that cannot be mistaken for a later one with the same, recycled pid. */
export const ProcessIdentitySchema = v.object({
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** Opaque; equal for the same process as long as it lives. */
  startTime: v.string(),
});
export type ProcessIdentity = v.InferOutput<typeof ProcessIdentitySchema>;

/** Identity of a living process, or undefined where there is none with this pid (or only a zombie). */
export function identify(pid: number): ProcessIdentity | undefined {
  const startTime = process.platform === "linux" ? linuxStartTime(pid) : psStartTime(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startTime === identity.startTime;
}

/** The fields of a /proc/PID/stat after the program's name, which may itself contain spaces and parentheses. */
export function statFields(text: string): string[] {
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function procStat(pid: number): string[] | undefined {
  try {
    return statFields(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return undefined; // the process has ended: that is the answer
  }
}

/** proc(5): field 3 is the state, field 22 the start time in clock ticks since boot. */
function linuxStartTime(pid: number): string | undefined {
  const fields = procStat(pid);
  if (fields === undefined || fields[0] === "Z" || fields[0] === "X") return undefined;
  return fields[19];
}

function psStartTime(pid: number): string | undefined {
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || undefined;
  } catch {
    return undefined; // ps ends with 1 where there is no such process
  }
}
