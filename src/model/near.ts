const MOST_EDITS = 2;

/**
 * Returns whether a typed word may be a misspelling of another one: one or two letters are missing, added,
 * wrong or transposed; fewer in short words.
 * @see Damerau, "A technique for computer detection and correction of spelling errors" (1964).
 */
export function isNear(typed: string, meant: string): boolean {
  return distance(typed, meant) <= Math.min(MOST_EDITS, Math.floor(meant.length / 3));
}

function distance(a: string, b: string): number {
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= a.length; row++) {
    const next = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const exchanged = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      next[column] = Math.min(
        last[column]! + 1,
        next[column - 1]! + 1,
        last[column - 1]! + (same ? 0 : 1),
        exchanged ? before[column - 2]! + 1 : Infinity,
      );
    }
    [before, last] = [last, next];
  }
  return last[b.length]!;
}

/** Returns the words that a typed one may be a misspelling or a part of, the most similar first. */
export function nearest(typed: string, words: Iterable<string>): string[] {
  const lower = typed.toLowerCase();
  return [...words]
    .filter((word) => isNear(lower, word.toLowerCase()) || isPart(lower, word.toLowerCase()))
    .map((word) => ({ word, edits: distance(lower, word.toLowerCase()) }))
    .sort((one, other) => one.edits - other.edits)
    .map(({ word }) => word);
}

const LEAST_PART = 3;

/** Returns whether one word contains the other, as when only a part of a long name was typed. */
function isPart(typed: string, word: string): boolean {
  return typed.length >= LEAST_PART && (word.includes(typed) || typed.includes(word));
}
