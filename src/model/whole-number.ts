/**
 * Returns the whole number that a text is; undefined if it has anything but decimal digits, or is out of the range.
 * `Number` would also take an empty text, spaces, `1e3` and `0x10`.
 */
export function wholeNumberIn(text: string, from = 0, to = Number.MAX_SAFE_INTEGER): number | undefined {
  const value = Number(text);
  return /^\d+$/.test(text) && value >= from && value <= to ? value : undefined;
}
