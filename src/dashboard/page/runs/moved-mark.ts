/** The part of all points by which Page Up and Page Down move. */
const PAGE = 0.1;

/** Returns the point to which a key leads from the marked one, of a number of points; undefined if it does not move. */
export function movedMark(key: string, marked: number | undefined, count: number): number | undefined {
  const last = count - 1;
  const page = Math.max(1, Math.round(count * PAGE));
  const at = marked ?? (key === "ArrowLeft" || key === "PageUp" ? count : -1);
  const targets = new Map([
    ["ArrowLeft", at - 1],
    ["ArrowRight", at + 1],
    ["PageUp", at - page],
    ["PageDown", at + page],
    ["Home", 0],
    ["End", last],
  ]);
  const target = targets.get(key);
  return target === undefined || count === 0 ? undefined : Math.min(last, Math.max(0, target));
}
