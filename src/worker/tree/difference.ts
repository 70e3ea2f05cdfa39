import type { Slot } from "./slot.ts";
import { SharedFilesChanged, TreeLost, type SlotTree } from "./slot-tree.ts";
import type { Difference } from "./snapshot.ts";

/** Returns the error for a run whose working tree was removed. */
export function treeLost(options?: { cause: unknown }): TreeLost {
  return new TreeLost("another process has removed its working tree", options);
}

const WATCH_MS = 1000;

/**
 * Watches the tree of a run and aborts the returned signal when the tree is removed. The run might otherwise
 * never end, or end without having read its input.
 */
export function watchTree(tree: SlotTree, slot: Slot): Disposable & { signal: AbortSignal } {
  const removed = new AbortController();
  const timer = setInterval(() => slot.isGone(tree) && removed.abort(treeLost()), WATCH_MS);
  return { signal: removed.signal, [Symbol.dispose]: () => clearInterval(timer) };
}

/**
 * Returns what a run has changed in its tree.
 * @throws {TreeLost} if another process has changed the tree meanwhile, because the run's result is then
 *   meaningless.
 */
export async function differenceOf(tree: SlotTree, slot: Slot): Promise<Difference> {
  const difference = await slot.difference(tree);
  const written = new Set(difference.written.map((file) => file.path));
  const isMissing = difference.missing.length > 0 || difference.damaged.some((file) => !written.has(file));
  if (isMissing && (await slot.isBeingRemoved(tree))) throw treeLost();
  const changed = await slot.changedShared(tree, difference);
  if (changed !== undefined) throw new SharedFilesChanged(`${changed} changed while it ran`);
  return difference;
}
