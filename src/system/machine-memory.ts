import { readFileSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import path from "node:path";
import { descendantsOf } from "./descendants.ts";

/** What can be learned about the memory of this machine, or of the container in which this process runs. */
export interface MachineMemory {
  /** Returns the memory of the machine or the limit of the container, whichever is smaller, in bytes. */
  total(): number;
  /**
   * Returns how much memory processes can use in addition, in bytes; what caches would give back counts. Except on
   * Linux, this is all memory, because what is in use is not known.
   */
  available(): number;
  /**
   * Returns the memory of a process, or of the largest of those that it has started: what they share by copying on write
   * would count several times in a sum. Undefined if it has ended, or except on Linux.
   */
  usedBy(pid: number): ProcessMemory | undefined;
}

/** The memory of a process in bytes, without files such as program code, which processes share. */
interface ProcessMemory {
  now: number;
  peak: number;
}

/** Folders of the kernel's files. */
interface Roots {
  proc: string;
  cgroup: string;
}

const ROOTS: Roots = { proc: "/proc", cgroup: "/sys/fs/cgroup" };

/** Limits change rarely, and finding them takes longer than all else. */
const LIMITS_MS = 5000;

/** Returns the memory of this machine. */
export function machineMemory(platform: NodeJS.Platform = process.platform): MachineMemory {
  if (platform !== "linux") return { total: totalmem, available: totalmem, usedBy: () => undefined };
  let found = { limits: [] as GroupLimit[], at: -Infinity };
  const limits = (): GroupLimit[] => {
    if (performance.now() > found.at + LIMITS_MS)
      found = { limits: groupLimits(ROOTS), at: performance.now() };
    return found.limits;
  };
  return {
    total: () => Math.min(totalmem(), ...limits().map(({ limit }) => limit)),
    available: () => Math.min(freemem(), ...limits().map(({ limit, used }) => limit - used())),
    usedBy: (pid) => largestOf([pid, ...descendantsOf(pid)]),
  };
}

interface GroupLimit {
  limit: number;
  /** Returns what the processes of the group use now, without caches of files. */
  used: () => number;
}

/** Names of a control group's files and fields, by the version of control groups. */
const VERSIONS = [
  {
    /** Line of /proc/self/cgroup. */
    member: /^0::(\/.*)$/m,
    mount: "",
    limit: "memory.max",
    used: "memory.current",
    caches: /^(?:in)?active_file (\d+)$/gm,
  },
  {
    member: /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(\/.*)$/m,
    mount: "memory",
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    caches: /^total_(?:in)?active_file (\d+)$/gm,
  },
];

/**
 * Returns the limits of the control groups that contain this process. In a container, the path of a group may be that on
 * the host, which does not exist there; the limit is then in the root.
 * @see cgroups(7); Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst
 */
export function groupLimits({ proc, cgroup }: Roots): GroupLimit[] {
  const membership = textOf(path.join(proc, "self/cgroup"));
  return VERSIONS.flatMap(({ member, mount, ...names }) => {
    const group = member.exec(membership)?.[1];
    if (group === undefined) return [];
    const root = path.join(cgroup, mount);
    return ancestors(group).flatMap((each) => groupLimit(path.join(root, each), names) ?? []);
  });
}

function ancestors(group: string): string[] {
  const names = group.split("/").filter((name) => name !== "" && name !== "..");
  return [...names.keys(), names.length].map((length) => names.slice(0, length).join("/"));
}

function groupLimit(
  folder: string,
  names: Pick<(typeof VERSIONS)[number], "limit" | "used" | "caches">,
): GroupLimit | undefined {
  const limit = Number(textOf(path.join(folder, names.limit)) || NaN); // "max" is none
  if (!(limit < totalmem())) return undefined;
  const used = (): number => {
    const caches = [...textOf(path.join(folder, "memory.stat")).matchAll(names.caches)];
    const all = Number(textOf(path.join(folder, names.used)));
    return caches.reduce((rest, [, bytes]) => rest - Number(bytes), all);
  };
  return { limit, used };
}

const RESIDENT = /^VmRSS:\s+(\d+) kB$/m;
const PEAK = /^VmHWM:\s+(\d+) kB$/m;
const FILES = /^RssFile:\s+(\d+) kB$/m;

function largestOf(pids: readonly number[]): ProcessMemory | undefined {
  const all = pids.flatMap((pid) => parseStatus(textOf(`/proc/${pid}/status`)) ?? []);
  if (all.length === 0) return undefined;
  return { now: Math.max(...all.map(({ now }) => now)), peak: Math.max(...all.map(({ peak }) => peak)) };
}

/** Returns the memory of a process from its file in /proc. @see proc(5), status. */
function parseStatus(text: string): ProcessMemory | undefined {
  const [resident, peak, files] = [RESIDENT, PEAK, FILES].map(
    (field) => Number(field.exec(text)?.[1]) * 1024,
  );
  const now = resident! - files!;
  return now >= 0 ? { now, peak: Math.max(now, peak! - files!) } : undefined; // a zombie has none
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return ""; // the process has ended, or the kernel has no such file
  }
}
