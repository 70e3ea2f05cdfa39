import type { MachineMemory } from "../../src/system/machine-memory.ts";

/** A machine whose processes use as much memory as a test says. */
export class TestMemory implements MachineMemory {
  /** Memory in use by process id, in bytes. */
  readonly processes = new Map<number, number>();
  readonly #total: number;

  constructor(total: number) {
    this.#total = total;
  }

  total(): number {
    return this.#total;
  }

  available(): number {
    return this.#total - [...this.processes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  usedBy(pid: number): { now: number; peak: number } | undefined {
    const bytes = this.processes.get(pid);
    return bytes === undefined ? undefined : { now: bytes, peak: bytes };
  }
}
