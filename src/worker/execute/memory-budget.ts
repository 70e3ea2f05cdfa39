import type { MachineMemory } from "../../system/machine-memory.ts";

/** Share of the memory that runs leave free, for the worker itself and for what grows faster than it is measured. */
const RESERVE = 0.04;
const LEAST_RESERVE = 64e6;
const MOST_RESERVE = 500e6;
/** Share of the reserve at which a run is stopped. */
const CRITICAL = 0.5;
/** Short, because processes may allocate gigabytes per second. */
const LOOK_INTERVAL_MS = 200;
/** Time that a stopped process may take to give back its memory, until another one is stopped. */
const STOP_MS = 2000;
/** Time after a stopped run in which no run starts whose need is not known, unless another run ends. */
const CAUTION_MS = 5000;
/** Factor between the memory with which a run was stopped and the one with which it is tried again. */
const GROWTH = 1.25;

/** The reason why a run was stopped that can be executed again when there is more memory for it. */
export class MemoryShortage extends Error {
  override name = "MemoryShortage";
  /** Memory that the run needs at least, in bytes. */
  readonly neededBytes: number;

  constructor(message: string, neededBytes: number) {
    super(message);
    this.neededBytes = neededBytes;
  }
}

/** The memory of one run that may be executed. */
export interface MemoryClaim extends Disposable {
  /** Aborted with a {@link MemoryShortage} if the run has to be stopped. */
  readonly signal: AbortSignal;
  /** Peak of its process so far, in bytes; undefined if it was never measured. */
  readonly peakBytes: number | undefined;
  /** Begins to measure the process of the run. */
  watch(pid: number): void;
  /**
   * Throws if the kernel killed the run while others were being executed here: alone, it may have enough memory.
   * @throws {MemoryShortage}
   */
  throwIfCrowded(): void;
  /** Notes that the process has ended. May be repeated. */
  release(): void;
}

export interface BudgetOptions {
  memory: MachineMemory;
  now?: () => number;
  /** Called while a run is executed, with its peak so far in bytes. */
  onPeak?: (claim: MemoryClaim, peakBytes: number) => void;
}

/**
 * Decides by their memory which runs a runner executes concurrently: what a run is expected to need is reserved for it. A
 * run that would be alone is always admitted. If the memory is nearly used up nevertheless, the youngest run is stopped.
 */
export class MemoryBudget implements Disposable {
  readonly #options: Required<BudgetOptions>;
  readonly #claims = new Set<Claim>();
  #timer: NodeJS.Timeout | undefined;
  /** What was available at the last look; undefined after a process has given back an unknown amount. */
  #lastAvailable: number | undefined;
  #stopping: { claim: Claim; since: number } | undefined;
  #cautionEnds = -Infinity;
  readonly #waiting = new Set<() => void>();

  constructor(options: BudgetOptions) {
    this.#options = { now: () => performance.now(), onPeak: () => undefined, ...options };
  }

  /** Number of runs that are being executed. */
  get size(): number {
    return this.#claims.size;
  }

  /** All memory of this machine, in bytes. */
  get total(): number {
    return this.#options.memory.total();
  }

  /** Returns how much memory is neither in use nor reserved, in bytes; may be negative. */
  free(): number {
    const promised = [...this.#claims].reduce((sum, claim) => sum + claim.toCome, 0);
    return this.#options.memory.available() - this.#reserve - promised;
  }

  /** Returns whether a run may start now. @param need in bytes; undefined if unknown. @param more kept free, in bytes. */
  fits(need: number | undefined, more = 0): boolean {
    if (this.#claims.size === 0 && more === 0) return true;
    if (need === undefined && this.#claims.size > 0 && this.#options.now() < this.#cautionEnds) return false;
    return this.free() - more >= (need ?? 0);
  }

  /** Reserves memory for a run that is about to start. */
  claim(need: number | undefined): MemoryClaim {
    const claim = new Claim(need, () => this.#remove(claim), this.total);
    for (const other of this.#claims) other.hadNeighbours = true;
    claim.hadNeighbours = this.#claims.size > 0;
    this.#claims.add(claim);
    this.#timer ??= setInterval(() => this.look(), LOOK_INTERVAL_MS);
    return claim;
  }

  /** Resolves when a run has ended, and after a time at the latest. */
  async changed(withinMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, withinMs);
      this.#waiting.add(wake);
    });
  }

  /** Ends the waiting of `changed`. */
  wake(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Measures the runs, and stops one if the memory will soon be used up. Called regularly. */
  look(): void {
    const running: Claim[] = []; // without those whose process has just ended
    for (const claim of this.#claims) {
      const used = claim.pid === undefined ? undefined : this.#options.memory.usedBy(claim.pid);
      if (used === undefined) continue;
      running.push(claim);
      claim.measured(used);
      this.#options.onPeak(claim, claim.peakBytes!);
    }
    const available = this.#options.memory.available();
    const decrease = Math.max(0, (this.#lastAvailable ?? available) - available);
    this.#lastAvailable = available;
    if (available - decrease < this.#reserve * CRITICAL) this.#stopYoungest(running);
  }

  #stopYoungest(running: readonly Claim[]): void {
    const now = this.#options.now();
    if (this.#stopping !== undefined && now < this.#stopping.since + STOP_MS) return;
    const left = running.filter(({ signal }) => !signal.aborted);
    const youngest = left.at(-1);
    if (youngest === undefined || left.length === 1) return;
    this.#stopping = { claim: youngest, since: now };
    this.#cautionEnds = now + CAUTION_MS;
    youngest.stop();
  }

  #remove(claim: Claim): void {
    if (!this.#claims.delete(claim)) return;
    if (this.#stopping?.claim === claim) this.#stopping = undefined;
    else this.#cautionEnds = -Infinity;
    this.#lastAvailable = undefined;
    if (this.#claims.size === 0) this[Symbol.dispose]();
    this.wake();
  }

  get #reserve(): number {
    return Math.min(Math.max(this.total * RESERVE, LEAST_RESERVE), MOST_RESERVE);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

class Claim implements MemoryClaim {
  readonly #need: number;
  readonly #abort = new AbortController();
  readonly #totalBytes: number;
  readonly release: () => void;
  hadNeighbours = false;
  pid: number | undefined;
  peakBytes: number | undefined;
  #nowBytes = 0;

  constructor(need: number | undefined, release: () => void, totalBytes: number) {
    this.#need = need ?? 0;
    this.release = release;
    this.#totalBytes = totalBytes;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** What is reserved and not yet in use, in bytes. */
  get toCome(): number {
    return Math.max(0, this.#need - this.#nowBytes);
  }

  watch(pid: number): void {
    this.pid = pid;
  }

  measured({ now, peak }: { now: number; peak: number }): void {
    this.#nowBytes = now;
    this.peakBytes = Math.max(this.peakBytes ?? 0, peak);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  stop(): void {
    const used = this.peakBytes ?? 0;
    const reason = "stopped because the memory of the machine was nearly used up";
    this.#abort.abort(new MemoryShortage(reason, Math.max(this.#need, Math.round(used * GROWTH))));
  }

  throwIfCrowded(): void {
    if (!this.hadNeighbours) return;
    throw new MemoryShortage("killed because the memory of the machine was used up", this.#totalBytes);
  }
}
