import { readFileSync } from "node:fs";
import * as v from "valibot";
import { HostSchema, relationOf, thisHost } from "./host.ts";
import { outputOf } from "./program.ts";

/** A process that cannot be mistaken for a later one with the same, recycled pid, nor for one of another machine. */
export const ProcessIdentitySchema = v.object({
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** Opaque; equal for the same process as long as it lives. */
  startTime: v.string(),
  /** Where it runs; undefined if an earlier version of inet-swarm recorded it. */
  host: v.optional(HostSchema),
});
export type ProcessIdentity = v.InferOutput<typeof ProcessIdentitySchema>;

/** Identity of a living process, or undefined where there is none with this pid (or only a zombie). */
export function identify(pid: number): ProcessIdentity | undefined {
  const startTime = process.platform === "linux" ? linuxStartTime(pid) : psStartTime(pid);
  return startTime === undefined ? undefined : { pid, startTime, host: thisHost() };
}

/**
 * What is known of a process: of one on another machine or in another container neither that it lives nor that it
 * has ended.
 */
export function lifeOf(identity: ProcessIdentity, here = thisHost()): "alive" | "ended" | "elsewhere" {
  const relation = relationOf(identity.host, here);
  if (relation === "elsewhere") return "elsewhere";
  const lives = relation === "here" && identify(identity.pid)?.startTime === identity.startTime;
  return lives ? "alive" : "ended";
}

/** Whether a process lives on this host. False does not mean that it has ended: it may run elsewhere. */
export function isAlive(identity: ProcessIdentity): boolean {
  return lifeOf(identity) === "alive";
}

/** Whether a process has ended for certain. */
export function hasEnded(identity: ProcessIdentity): boolean {
  return lifeOf(identity) === "ended";
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
  return outputOf("ps", ["-o", "lstart=", "-p", String(pid)])?.trim() || undefined; // ps fails if there is none
}
