import { readFileSync } from "node:fs";
import * as v from "valibot";
import { HostSchema, relationOf, thisHost } from "./host.ts";
import { outputOf } from "./program.ts";

/** Identifies a process uniquely, even if its pid is reused later or by another machine. */
export const ProcessIdentitySchema = v.object({
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** Opaque; constant while the process runs. */
  startTime: v.string(),
  /** Where the process runs; undefined if recorded by an earlier version of inet-swarm. */
  host: v.optional(HostSchema),
});
export type ProcessIdentity = v.InferOutput<typeof ProcessIdentitySchema>;

/** Returns the identity of a running process, or undefined if none has this pid (or only a zombie). */
export function identify(pid: number): ProcessIdentity | undefined {
  const startTime = process.platform === "linux" ? linuxStartTime(pid) : psStartTime(pid);
  return startTime === undefined ? undefined : { pid, startTime, host: thisHost() };
}

/**
 * Returns whether a process is alive or has ended; `elsewhere` if it runs on another machine or in another container,
 * where that cannot be checked.
 */
export function lifeStatus(identity: ProcessIdentity, here = thisHost()): "alive" | "ended" | "elsewhere" {
  const relation = relationOf(identity.host, here);
  if (relation === "elsewhere") return "elsewhere";
  const alive = relation === "here" && identify(identity.pid)?.startTime === identity.startTime;
  return alive ? "alive" : "ended";
}

/** Returns whether a process is alive on this host. If not, it may still be running on another host. */
export function isAlive(identity: ProcessIdentity): boolean {
  return lifeStatus(identity) === "alive";
}

/** Returns whether a process is known to have ended. */
export function hasEnded(identity: ProcessIdentity): boolean {
  return lifeStatus(identity) === "ended";
}

/**
 * Returns the fields of a /proc/PID/stat that follow the program's name, which may itself contain spaces and parentheses.
 * The first one is field 3.
 * @see proc(5)
 */
export function statFields(text: string): string[] {
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function procStat(pid: number): string[] | undefined {
  try {
    return statFields(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return undefined; // the process has ended
  }
}

/** Returns the start time in clock ticks since boot. @see proc(5): field 3 is the state, field 22 the start time. */
function linuxStartTime(pid: number): string | undefined {
  const fields = procStat(pid);
  if (fields === undefined || fields[0] === "Z" || fields[0] === "X") return undefined;
  return fields[19];
}

function psStartTime(pid: number): string | undefined {
  return outputOf("ps", ["-o", "lstart=", "-p", String(pid)])?.trim() || undefined; // ps fails if there is none
}
