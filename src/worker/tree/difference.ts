import type { Slot } from "./slot.ts";
import { SharedFilesChanged, TreeLost, type SlotTree } from "./slot-tree.ts";
import type { Difference } from "./snapshot.ts";

export function treeLost(options?: { cause: unknown }): TreeLost {
  return new TreeLost("its working tree was removed while it ran", options);
}

const WATCH_MS = 1000;

/** Aborts its signal when the tree of a run is removed: the run may then never end, or end without having read its input. */
export function watchTree(tree: SlotTree, slot: Slot): Disposable & { signal: AbortSignal } {
  const gone = new AbortController();
  const timer = setInterval(() => slot.isGone(tree) && gone.abort(treeLost()), WATCH_MS);
  return { signal: gone.signal, [Symbol.dispose]: () => clearInterval(timer) };
}

/**
 * Returns what a run has changed in its tree.
 * @throws {TreeLost} if others have changed the tree meanwhile: how the run ended says nothing then.
 */
export async function differenceOf(tree: SlotTree, slot: Slot): Promise<Difference> {
  const difference = await slot.difference(tree);
  const written = new Set(difference.written.map((file) => file.path));
  const isMissing = difference.missing.length > 0 || difference.damaged.some((file) => !written.has(file));
  if (isMissing && (await slot.isBeingEmptied(tree))) throw treeLost();
  const changed = await slot.changedShared(tree, difference);
  if (changed !== undefined) throw new SharedFilesChanged(`${changed} changed while it ran`);
  return difference;
}
