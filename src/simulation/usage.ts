import { readFileSync } from "node:fs";
import { procStat } from "../system/identity.ts";

/** USER_HZ, the unit of times in /proc: 100 on every Linux platform that Node.js runs on. */
const TICKS_PER_SECOND = 100;

/**
 * Watches what a process uses, from /proc. Its figures are those of the last look, so look often: with every
 * piece of output and once more at its end. Elsewhere than on Linux both stay undefined.
 * @see proc(5): stat (fields 14 and 15), schedstat, status (VmHWM).
 */
export class UsageMeter {
  cpuTimeMs: number | undefined;
  peakMemoryBytes: number | undefined;
  readonly #pid: number;

  constructor(pid: number) {
    this.#pid = pid;
  }

  look(): void {
    const fields = procStat(this.#pid);
    if (fields === undefined) return;
    const ticks = Number(fields[11]) + Number(fields[12]);
    const cpuTimeMs = Math.max((ticks * 1000) / TICKS_PER_SECOND, this.#mainThreadMs());
    this.cpuTimeMs = Math.max(this.cpuTimeMs ?? 0, cpuTimeMs);
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(this.#read("status"))?.[1]; // a zombie has none any more
    if (peak !== undefined) this.peakMemoryBytes = Math.max(this.peakMemoryBytes ?? 0, Number(peak) * 1024);
  }

  /** Finer than the ticks, but of the first thread alone: enough for a simulation, which has one. */
  #mainThreadMs(): number {
    const nanoseconds = Number(this.#read("schedstat").split(" ", 1)[0]);
    return Number.isFinite(nanoseconds) ? nanoseconds / 1e6 : 0;
  }

  #read(name: string): string {
    try {
      return readFileSync(`/proc/${this.#pid}/${name}`, "latin1");
    } catch {
      return ""; // the process has ended
    }
  }
}

/** How often the kernel has killed a process for want of memory since boot; undefined where it does not tell. */
export function outOfMemoryKills(): number | undefined {
  try {
    const count = /^oom_kill (\d+)$/m.exec(readFileSync("/proc/vmstat", "latin1"))?.[1];
    return count === undefined ? undefined : Number(count);
  } catch {
    return undefined;
  }
}
