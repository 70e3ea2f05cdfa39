import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { statFields } from "../system/identity.ts";

/** USER_HZ, the unit of times in /proc: 100 on every Linux platform that Node.js runs on. */
const TICKS_PER_SECOND = 100;
/** The longest of the three files, `status`, has about 1.5 kB. */
const buffer = Buffer.alloc(8192);

type UsageFile = "stat" | "schedstat" | "status";

/**
 * Measures the CPU time and the peak memory of a process. The values are those of the last call of `look`, so
 * call it often: with every piece of output, and once more at the end. The files stay open, because opening
 * them costs more than reading them. Except on Linux, both values stay undefined.
 * @see proc(5): stat (fields 14 and 15), schedstat, status (VmHWM).
 */
export class UsageMeter implements Disposable {
  cpuTimeMs: number | undefined;
  peakMemoryBytes: number | undefined;
  readonly #files: Record<UsageFile, number | undefined>;

  constructor(pid: number) {
    const open = (name: string): number | undefined => openIfThere(`/proc/${pid}/${name}`);
    this.#files = { stat: open("stat"), schedstat: open("schedstat"), status: open("status") };
  }

  /** Updates the CPU time and the peak memory. */
  look(): void {
    const fields = statFields(this.#read("stat"));
    if (fields.length < 13) return; // the process has ended
    const ticks = Number(fields[11]) + Number(fields[12]);
    const cpuTimeMs = Math.max((ticks * 1000) / TICKS_PER_SECOND, this.#mainThreadMs());
    this.cpuTimeMs = Math.max(this.cpuTimeMs ?? 0, cpuTimeMs);
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(this.#read("status"))?.[1]; // a zombie no longer has it
    if (peak !== undefined) this.peakMemoryBytes = Math.max(this.peakMemoryBytes ?? 0, Number(peak) * 1024);
  }

  /**
   * Returns the CPU time of the first thread, which is more precise
   * than the ticks: enough for a simulation, which has one thread.
   */
  #mainThreadMs(): number {
    const nanoseconds = Number(this.#read("schedstat").split(" ", 1)[0]);
    return Number.isFinite(nanoseconds) ? nanoseconds / 1e6 : 0;
  }

  #read(name: UsageFile): string {
    const file = this.#files[name];
    if (file === undefined) return "";
    try {
      return buffer.toString("latin1", 0, readSync(file, buffer, 0, buffer.length, 0));
    } catch {
      return ""; // the process has ended
    }
  }

  [Symbol.dispose](): void {
    for (const file of Object.values(this.#files)) if (file !== undefined) closeSync(file);
  }
}

function openIfThere(file: string): number | undefined {
  try {
    return openSync(file, "r");
  } catch {
    return undefined; // the process has ended, or this is not Linux
  }
}

/**
 * Returns how many processes the kernel has killed since boot because
 * memory ran out; undefined if the kernel does not report it.
 */
export function outOfMemoryKills(): number | undefined {
  try {
    const count = /^oom_kill (\d+)$/m.exec(readFileSync("/proc/vmstat", "latin1"))?.[1];
    return count === undefined ? undefined : Number(count);
  } catch {
    return undefined;
  }
}
