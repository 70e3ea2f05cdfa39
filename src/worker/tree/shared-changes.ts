import path from "node:path";
import type { BuildStore } from "../../stores/build-store.ts";
import { productsOf, type Dependencies, type ProvidedDependency } from "./dependencies.ts";
import { changesIn } from "./shared-tree.ts";
import { changedBinaries, changedDependencies, dependenciesOf, type SlotTree } from "./slot-tree.ts";
import { stampOf, type Difference } from "./snapshot.ts";

interface Stores {
  builds: BuildStore;
  dependencies: Pick<Dependencies, "drop">;
}

/**
 * Drops the shared trees of needed projects in which files have changed.
 * @returns what has changed, as the beginning of a sentence; undefined if nothing has.
 */
export async function dropChangedDependencies(tree: SlotTree, stores: Stores): Promise<string | undefined> {
  const replaced = new Set(changedDependencies(tree));
  let description: string | undefined;
  for (const each of tree.dependencies) {
    if (each.shared === undefined) continue;
    const files = replaced.has(each) ? [] : await changesIn(each.shared, productsOf(sharing(tree, each)));
    if (!replaced.has(each) && files.length === 0) continue;
    await stores.dependencies.drop(each.shared);
    await stores.builds.dropChanged(each.dependency.buildKey);
    description ??= `${shown(files)} of the needed project ${each.dependency.name}`;
  }
  return description;
}

/** Returns the dependencies in the same shared tree. */
function sharing({ dependencies }: SlotTree, { shared }: ProvidedDependency): ProvidedDependency[] {
  return dependencies.filter((other) => other.shared?.folder === shared?.folder);
}

/**
 * Returns the longest path: the change times of a file's folders may have changed, too, but the file is more
 * specific.
 */
function shown(files: readonly string[]): string {
  const longest = files.reduce((one, other) => (other.length > one.length ? other : one), "");
  return longest === "" ? "files" : JSON.stringify(`../${longest}`).slice(1, -1);
}

/**
 * Drops a build if a run has written into its binaries, which all trees of this machine share as hard links.
 * @returns what has changed, as the beginning of a sentence; undefined if nothing has.
 */
export async function dropChangedBinaries(
  tree: SlotTree,
  { damaged }: Difference,
  { builds }: Stores,
): Promise<string | undefined> {
  if (tree.isPrivate) return undefined;
  const files = new Set(damaged);
  const changed = changedBinaries(tree).filter((file) => files.has(file));
  const isShared = changed.some(
    (file) => inodeIn(tree.clean.files.get(file)) === inodeIn(stampOf(path.join(tree.mirror, file))),
  );
  if (!isShared) return undefined;
  const keys = [tree.buildKey, ...dependenciesOf(tree).map((dependency) => dependency.buildKey)];
  for (const key of keys) await builds.dropChanged(key);
  return "binaries of its build";
}

function inodeIn(stamp: string | undefined): string | undefined {
  return stamp?.split(" ", 1)[0];
}
