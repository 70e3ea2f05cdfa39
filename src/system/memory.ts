import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** How much may be added to what lives in the heap before garbage is collected. */
const GROWTH_PERCENT = 20;

/** With so many runs memory is worth saving. */
const MANY_RUNS = 5000;

let isKeptSmall = false;

/**
 * Keeps the heap of this process near to what lives in it, where it has very many runs to go through. By default V8
 * lets it grow to four times of that on a machine with much memory, which the simulations could use. V8 sets the
 * limit when it collects garbage, so that is done once, in some 20 ms.
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
