import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import * as v from "valibot";
import { outputOf } from "./program.ts";

/** The machine, or container, that a process id belongs to. */
export const HostSchema = v.object({
  /** Host name. */
  name: v.pipe(v.string(), v.maxLength(255)),
  /** Differs after each boot; empty if the system does not tell. */
  boot: v.pipe(v.string(), v.maxLength(64)),
  /** The PID namespace, because two containers of a machine have the same boot; empty if there are none. */
  pids: v.pipe(v.string(), v.maxLength(32)),
});
export type Host = v.InferOutput<typeof HostSchema>;

let known: Host | undefined;

/** Returns the host of this process; it stays the same as long as the process lives. */
export function thisHost(): Host {
  return (known ??= { name: hostname(), boot: bootId(), pids: pidNamespace() });
}

/**
 * Relation of a recorded host to this one.
 * - `here`: its process ids can be looked up.
 * - `rebooted`: this host before its last boot; whatever ran has ended.
 * - `elsewhere`: another machine or container, of whose processes nothing is known.
 * @param host undefined: recorded by a version that did not record it, on this host.
 */
export function relationOf(host: Host | undefined, here = thisHost()): "here" | "rebooted" | "elsewhere" {
  if (host === undefined) return "here";
  if (host.boot === here.boot && host.boot !== "") return host.pids === here.pids ? "here" : "elsewhere";
  if (host.name !== here.name) return "elsewhere";
  return host.boot === here.boot ? "here" : "rebooted";
}

/** Name of a host for messages; says so if it is another container or PID namespace of the same machine. */
export function describeHost(host: Host, here = thisHost()): string {
  const isSibling = host.name === here.name && relationOf(host, here) === "elsewhere";
  return isSibling ? `another container of ${host.name}` : host.name;
}

/** @see random(4), sysctl(3) of macOS: `kern.bootsessionuuid` does not change when the clock is set. */
function bootId(): string {
  if (process.platform === "linux") return textOf("/proc/sys/kernel/random/boot_id");
  for (const name of ["kern.bootsessionuuid", "kern.boottime"]) {
    const value = sysctl(name);
    if (value !== "") return value;
  }
  return "";
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "latin1").trim().slice(0, 64);
  } catch {
    return ""; // a sandbox without /proc
  }
}

function sysctl(name: string): string {
  const text = outputOf("sysctl", ["-n", name]) ?? ""; // the system does not know it
  return (/sec = (\d+)/.exec(text)?.[1] ?? text).trim().slice(0, 64);
}

/** `pid:[4026531836]`: the number. */
function pidNamespace(): string {
  if (process.platform !== "linux") return "";
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "";
  } catch {
    return ""; // a kernel without namespaces
  }
}
