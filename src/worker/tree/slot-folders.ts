import { lstatSync, mkdirSync, readdirSync, realpathSync, rmdirSync, rmSync } from "node:fs";
import path from "node:path";
import { errorCode } from "../../errors.ts";
import { isInside } from "../../system/paths.ts";
import { parents } from "./inspect-outputs.ts";
import type { SlotTree, TreeRequest } from "./slot-tree.ts";

/** Folders of a tree that are not part of its source. */
const provided = new WeakMap<SlotTree, Set<string>>();

/**
 * Creates the folders that the client's working tree has but git does not track, and replaces links through
 * which results would leave the tree by folders. Removes the empty folders that only an earlier campaign of
 * the same source needed.
 */
export function provideFolders(
  tree: SlotTree,
  { folders = [], openedLinks = [] }: Pick<TreeRequest, "folders" | "openedLinks">,
): void {
  for (const link of openedLinks) openLink(tree, `${tree.top}/${link}`);
  const wanted = new Set(
    folders.flatMap((folder) => [...parents(`${folder}/x`)]).map((folder) => `${tree.top}/${folder}`),
  );
  const known = provided.get(tree) ?? new Set<string>();
  for (const folder of [...known].sort().reverse()) if (!wanted.has(folder)) removeFolder(tree, folder);
  for (const folder of [...wanted].sort())
    if (!tree.clean.directories.has(folder)) addFolder(tree, folder, known);
  provided.set(tree, new Set([...known].filter((folder) => wanted.has(folder))));
}

function addFolder({ mirror, clean }: SlotTree, folder: string, known: Set<string>): void {
  const place = path.join(mirror, folder);
  try {
    if (!isInside(realpathSync(mirror), realpathSync(path.dirname(place)))) return; // a parent is a link to outside
    mkdirSync(place);
  } catch (error) {
    if (["EEXIST", "ENOTDIR", "ENOENT"].includes(errorCode(error) ?? "")) return; // a file or a link has this name
    throw error;
  }
  clean.directories.set(folder, []);
  register(clean.directories, folder);
  known.add(folder);
}

function removeFolder({ mirror, clean }: SlotTree, folder: string): void {
  if (readdirSync(path.join(mirror, folder)).length > 0) return;
  rmdirSync(path.join(mirror, folder));
  clean.directories.delete(folder);
}

function openLink({ mirror, clean }: SlotTree, link: string): void {
  const place = path.join(mirror, link);
  if (!lstatSync(place, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  rmSync(place);
  mkdirSync(place);
  clean.files.delete(link);
  clean.directories.set(link, []);
}

/** Adds a folder to its parent's entries: otherwise an updated snapshot would not notice when the folder is removed. */
function register(directories: Map<string, string[]>, folder: string): void {
  const names = directories.get(path.posix.dirname(folder));
  const name = path.posix.basename(folder);
  if (names !== undefined && !names.includes(name)) names.push(name);
}
