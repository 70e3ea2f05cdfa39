import { existsSync, rmdirSync, rmSync } from "node:fs";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { filesOf, sourceName, type BuildManifest, type Dependency, type Source } from "../../model/build.ts";
import type { ProvidedDependency } from "./dependencies.ts";
import { parents } from "./inspect-outputs.ts";
import { isReplaced } from "./shared-tree.ts";
import { stampOf, type Difference, type Snapshot } from "./snapshot.ts";

/**
 * A working tree of a slot: the tracked files of a commit with the binaries of a build. It has the path of the client's
 * checkout below a folder that stands for `/`, so that what a run writes by way of `../../res` is found, too.
 */
export interface SlotTree {
  /** The folder that stands for `/`. */
  mirror: string;
  /** The checkout's top level. */
  root: string;
  /** The same relative to the mirror. */
  top: string;
  source: Source;
  buildKey: string;
  manifest: BuildManifest;
  dependencies: ProvidedDependency[];
  clean: Snapshot;
  /** Its binaries and the projects that it needs are copies, which no other tree shares. */
  isPrivate: boolean;
  /** Stamps of the binaries of projects with a checkout of their own, by their absolute paths: all slots share them. */
  shared: ReadonlyMap<string, string>;
}

export interface TreeRequest {
  source: Source;
  /** The client's checkout, absolute. */
  directory: string;
  buildKey: string;
  /** Asked for where the tree has to be made. */
  manifest: () => Promise<BuildManifest>;
  /** It is to share nothing with other trees. */
  isPrivate?: boolean | undefined;
  dependencies?: readonly Dependency[] | undefined;
  /** @see Outputs */
  folders?: readonly string[] | undefined;
  openedLinks?: readonly string[] | undefined;
}

/** A working tree was changed or removed while a run was made in it, and not by the run alone. */
export class TreeLost extends UserError {
  override name = "TreeLost";
}

/** A run may have written into files that it shared with others. */
export class SharedFilesChanged extends TreeLost {
  override name = "SharedFilesChanged";
}

/** Whether a tree is there with the binaries that it was made with. A run may have written into them. */
export function isIntact(tree: SlotTree): boolean {
  return (
    existsSync(tree.root) && changedBinaries(tree).length === 0 && changedDependencies(tree).length === 0
  );
}

/** Returns the stamps of what dependencies with a checkout of their own have built. */
export function stampShared(dependencies: readonly ProvidedDependency[]): Map<string, string> {
  const apart = dependencies.filter(({ shared }) => shared !== undefined);
  const files = apart.flatMap(({ top, manifest }) => manifest.products.map((file) => path.join(top, file)));
  return new Map(files.map((file) => [file, stampOf(file)]));
}

/** Dependencies in a shared tree that has been replaced, or whose binaries have changed since the slot's tree was made. */
export function changedDependencies({ dependencies, shared: stamps }: SlotTree): ProvidedDependency[] {
  return dependencies.filter(({ top, manifest, shared }) => {
    if (shared === undefined) return false;
    const places = manifest.products.map((file) => path.join(top, file));
    return isReplaced(shared) || places.some((place) => stamps.get(place) !== stampOf(place));
  });
}

/** Binaries of the project, and of those in the same checkout, whose content may have changed; relative to the mirror. */
export function changedBinaries(tree: SlotTree): string[] {
  const inside = tree.dependencies.filter(({ dependency }) => dependency.source === undefined);
  const files = [tree, ...inside].flatMap(({ manifest }) => manifest.products);
  const places = [...new Set(files)].map((file) => path.posix.join(tree.top, file));
  return places.filter((file) => stampOf(path.join(tree.mirror, file)) !== tree.clean.files.get(file));
}

/** All files of builds in a tree, relative to its top level. */
export function builtFiles(tree: SlotTree): Set<string> {
  const inside = tree.dependencies.filter(({ dependency }) => dependency.source === undefined);
  return new Set([tree, ...inside].flatMap(({ manifest }) => filesOf(manifest)));
}

export function dependenciesOf(tree: SlotTree): Dependency[] {
  return tree.dependencies.map(({ dependency }) => dependency);
}

/**
 * Removes what a run has left that nobody collects, and the folders in which it was.
 * @throws if a file is not found by its name, which is so if that is not valid UTF-8.
 */
export function removeSurplus(
  { mirror, clean }: SlotTree,
  { written, directories }: Difference,
  moved: readonly string[],
): void {
  const gone = new Set(moved);
  for (const { path: file } of written)
    if (!clean.files.has(file)) rmSync(path.join(mirror, file), { force: gone.has(file) });
  const made = new Set([...directories, ...[...moved, ...written.map((file) => file.path)].flatMap(parents)]);
  const surplus = [...made].filter((directory) => !clean.directories.has(directory));
  for (const directory of surplus.sort().reverse()) rmdirSync(path.join(mirror, directory));
}

/** Equal for trees with the same files. */
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
