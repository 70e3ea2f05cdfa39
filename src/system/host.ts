import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import * as v from "valibot";
import { outputOf } from "./program.ts";

/** The machine, or container, that a process id belongs to. */
export const HostSchema = v.object({
  /** Host name. */
  name: v.pipe(v.string(), v.maxLength(255)),
  /** ID of the current boot; empty if the system does not provide one. */
  boot: v.pipe(v.string(), v.maxLength(64)),
  /** The PID namespace, because two containers of a machine share its boot ID; empty if there are no namespaces. */
  pids: v.pipe(v.string(), v.maxLength(32)),
});
export type Host = v.InferOutput<typeof HostSchema>;

let known: Host | undefined;

/** Returns the host of this process, which does not change while the process runs. */
export function thisHost(): Host {
  return (known ??= { name: hostname(), boot: bootId(), pids: pidNamespace() });
}

/**
 * Returns how a recorded host relates to this one.
 * - `here`: its process IDs can be looked up.
 * - `rebooted`: this host before its last boot; all its processes have ended.
 * - `elsewhere`: another machine or container, whose processes cannot be looked up.
 * @param host undefined if recorded on this host by a version that did not note the host.
 */
export function relationOf(host: Host | undefined, here = thisHost()): "here" | "rebooted" | "elsewhere" {
  if (host === undefined) return "here";
  if (host.boot === here.boot && host.boot !== "") return host.pids === here.pids ? "here" : "elsewhere";
  if (host.name !== here.name) return "elsewhere";
  return host.boot === here.boot ? "here" : "rebooted";
}

/** Returns the name of a host for messages; distinguishes another container or PID namespace of this machine. */
export function describeHost(host: Host, here = thisHost()): string {
  const isSibling = host.name === here.name && relationOf(host, here) === "elsewhere";
  return isSibling ? `another container of ${host.name}` : host.name;
}

/**
 * Returns the ID of the current boot. On macOS, `kern.bootsessionuuid` is preferred: `kern.boottime` changes when the
 * clock is set.
 * @see random(4), sysctl(3) of macOS
 */
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

/** Returns the number from a link target such as `pid:[4026531836]`. */
function pidNamespace(): string {
  if (process.platform !== "linux") return "";
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "";
  } catch {
    return ""; // a kernel without namespaces
  }
}
