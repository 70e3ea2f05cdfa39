import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Growth of the heap, relative to its live objects, after which garbage is collected. */
const GROWTH_PERCENT = 20;

/** Number of runs from which saving memory is worthwhile. */
const MANY_RUNS = 5000;

let isKeptSmall = false;

/**
 * Limits the growth of this process's heap if there are very many runs. By default, V8 lets the heap grow to four times
 * its live size on a machine with much memory, which the simulations could use. V8 applies the limit when it collects
 * garbage; therefore, garbage is collected once (about 20 ms).
 */
export function keepHeapSmall(runs: number): void {
  if (runs < MANY_RUNS || isKeptSmall) return;
  isKeptSmall = true;
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  setFlagsFromString("--no-expose-gc");
  collectGarbage();
}
