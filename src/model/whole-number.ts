/**
 * Returns a text as a whole number; undefined if it contains anything but decimal digits, or if the number is
 * out of range. `Number` would also accept an empty text, spaces, `1e3` and `0x10`.
 */
export function wholeNumberIn(text: string, from = 0, to = Number.MAX_SAFE_INTEGER): number | undefined {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= from && value <= to ? value : undefined;
}

/**
 * Returns the numbers in a text that `rangesOf` has written; undefined if it is anything else, or names more than a
 * maximum of numbers.
 */
export function parseRanges(text: string, most: number): number[] | undefined {
  const numbers: number[] = [];
  for (const part of text.split(",")) {
    const [first, end, ...others] = part.split("..");
    const from = wholeNumberIn(first!);
    const last = end === undefined ? from : wholeNumberIn(end);
    if (others.length > 0) return undefined;
    if (from === undefined || last === undefined || last < from) return undefined;
    if (numbers.length + last - from >= most) return undefined;
    for (let number = from; number <= last; number++) numbers.push(number);
  }
  return numbers;
}

/** Returns numbers as OMNeT++ writes them in run filters, such as `0..41` or `0..3,8`. */
export function rangesOf(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && number <= last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => (from === to ? from : `${from}..${to}`)).join(",");
}
