export interface Extent {
  low: number;
  high: number;
}

/** Returns the extent of finite numbers, only of positive ones for a logarithmic axis; undefined if there is none. */
export function extentOf(values: Iterable<number>, isLog: boolean): Extent | undefined {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value) || (isLog && value <= 0)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low > high ? undefined : { low, high };
}
