import { existsSync, rmdirSync, rmSync } from "node:fs";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { filesOf, sourceName, type BuildManifest, type Dependency, type Source } from "../../model/build.ts";
import type { ProvidedDependency } from "./dependencies.ts";
import { parents } from "./inspect-outputs.ts";
import { isReplaced } from "./shared-tree.ts";
import { stampOf, type Difference, type Snapshot } from "./snapshot.ts";

/**
 * A working tree of a slot: the tracked files of a commit and the binaries of a build. It has the path of the
 * client's checkout below a folder that represents the client's `/`, so that files written to `../../res` are
 * found, too.
 */
export interface SlotTree {
  /** The folder that represents `/`. */
  mirror: string;
  /** The checkout's top level. */
  root: string;
  /** The top level relative to the mirror. */
  top: string;
  source: Source;
  buildKey: string;
  manifest: BuildManifest;
  dependencies: ProvidedDependency[];
  /** The tree before a run. */
  clean: Snapshot;
  /** Its binaries and needed projects are copies that no other tree shares. */
  isPrivate: boolean;
  /** Stamps of the binaries of needed projects that all slots share, by absolute path. */
  shared: ReadonlyMap<string, string>;
}

export interface TreeRequest {
  source: Source;
  /** Absolute path of the client's checkout. */
  directory: string;
  buildKey: string;
  /** Called only if the tree has to be created. */
  manifest: () => Promise<BuildManifest>;
  /** The tree must not share files with other trees. */
  isPrivate?: boolean | undefined;
  dependencies?: readonly Dependency[] | undefined;
  /** Folders of the client's working tree that git does not track, relative to the checkout. */
  folders?: readonly string[] | undefined;
  /** Links that are replaced by folders, because results would leave the checkout through them. */
  openedLinks?: readonly string[] | undefined;
}

/** A working tree was removed or changed by another process while a run was executed in it. */
export class TreeLost extends UserError {
  override name = "TreeLost";
}

/** Some run has written into files that this run shared. */
export class SharedFilesChanged extends TreeLost {
  override name = "SharedFilesChanged";
}

/** Returns whether a tree exists and its binaries are unchanged: a run may have written into them. */
export function isIntact(tree: SlotTree): boolean {
  return (
    existsSync(tree.root) && changedBinaries(tree).length === 0 && changedDependencies(tree).length === 0
  );
}

/** Returns the stamps of the binaries in shared trees, by absolute path. */
export function stampShared(dependencies: readonly ProvidedDependency[]): Map<string, string> {
  const apart = dependencies.filter(({ shared }) => shared !== undefined);
  const files = apart.flatMap(({ top, manifest }) => manifest.products.map((file) => path.join(top, file)));
  return new Map(files.map((file) => [file, stampOf(file)]));
}

/**
 * Returns dependencies whose shared tree was replaced or whose binaries have changed since the slot's tree
 * was created.
 */
export function changedDependencies({ dependencies, shared: stamps }: SlotTree): ProvidedDependency[] {
  return dependencies.filter(({ top, manifest, shared }) => {
    if (shared === undefined) return false;
    const places = manifest.products.map((file) => path.join(top, file));
    return isReplaced(shared) || places.some((place) => stamps.get(place) !== stampOf(place));
  });
}

/** Returns the binaries in the checkout whose content may have changed, relative to the mirror. */
export function changedBinaries(tree: SlotTree): string[] {
  const inside = tree.dependencies.filter(({ dependency }) => dependency.source === undefined);
  const files = [tree, ...inside].flatMap(({ manifest }) => manifest.products);
  const places = [...new Set(files)].map((file) => path.posix.join(tree.top, file));
  return places.filter((file) => stampOf(path.join(tree.mirror, file)) !== tree.clean.files.get(file));
}

/** Returns all build products in a tree, relative to its top level. */
export function builtFiles(tree: SlotTree): Set<string> {
  const inside = tree.dependencies.filter(({ dependency }) => dependency.source === undefined);
  return new Set([tree, ...inside].flatMap(({ manifest }) => filesOf(manifest)));
}

export function dependenciesOf(tree: SlotTree): Dependency[] {
  return tree.dependencies.map(({ dependency }) => dependency);
}

/**
 * Removes the files of a run that were not collected, and the folders that the run created.
 * @param moved collected files, which are no longer in the tree.
 * @throws if a file cannot be found, because its name is not valid UTF-8.
 */
export function removeSurplus(
  { mirror, clean }: SlotTree,
  { written, directories }: Difference,
  moved: readonly string[],
): void {
  const collected = new Set(moved);
  for (const { path: file } of written)
    if (!clean.files.has(file)) rmSync(path.join(mirror, file), { force: collected.has(file) });
  const used = new Set([...directories, ...[...moved, ...written.map((file) => file.path)].flatMap(parents)]);
  const surplus = [...used].filter((directory) => !clean.directories.has(directory));
  for (const directory of surplus.sort().reverse()) rmdirSync(path.join(mirror, directory));
}

/** Returns a name that is equal for trees with the same files. */
export function nameOf(
  {
    source,
    buildKey,
    ...where
  }: Pick<TreeRequest, "source" | "buildKey"> & ({ directory: string } | { top: string }),
  dependencies: readonly Dependency[] = [],
): string {
  const needed = dependencies.map((each) => [each.tree, each.checkoutName, each.buildKey].join(" "));
  const directory = "top" in where ? `/${where.top}` : where.directory;
  return [sourceName(source), buildKey, directory, ...needed].join(" ");
}
