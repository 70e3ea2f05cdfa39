/**
 * Returns a text as a whole number; undefined if it contains anything but decimal digits, or if the number is
 * out of range. `Number` would also accept an empty text, spaces, `1e3` and `0x10`.
 */
export function wholeNumberIn(text: string, from = 0, to = Number.MAX_SAFE_INTEGER): number | undefined {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= from && value <= to ? value : undefined;
}
