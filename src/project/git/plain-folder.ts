import { realpath, writeFile } from "node:fs/promises";
import path from "node:path";
import { shortHash } from "../../short-hash.ts";
import { cacheDirectory } from "../../system/paths.ts";
import { isIgnored, isTracked } from "./commands/files.ts";
import type { Checkout } from "./git.ts";
import { makeObject, treesOf, writeObject } from "./objects.ts";
import { makeGitDirectory } from "./scratch.ts";
import { makeFolders } from "../../system/files.ts";

const NOBODY = "inet-swarm <inet-swarm@localhost> 0 +0000";

/**
 * Opens a folder that is not in a repository, such as an unpacked release, as if a repository had just been
 * created there: all its files are new, except those that its `.gitignore` files ignore. The git directory is
 * in our cache, and has one empty commit, which is always the same; nothing is written to the folder.
 */
export async function openFolder(folder: string, signal?: AbortSignal): Promise<Checkout> {
  const top = await realpath(folder);
  const name = shortHash(top);
  const gitDirectory = path.join(cacheDirectory(), "folders", name);
  await makeFolders(gitDirectory, 0o700);
  makeGitDirectory(gitDirectory, "");
  const objectDirectory = path.join(gitDirectory, "objects");
  const tree = treesOf([], "")[0]!;
  const text = `tree ${tree.hash}\nauthor ${NOBODY}\ncommitter ${NOBODY}\n\nNothing\n`;
  const commit = makeObject("commit", Buffer.from(text), "");
  for (const each of [tree, commit]) await writeObject(objectDirectory, each);
  await writeFile(path.join(gitDirectory, "HEAD"), `${commit.hash}\n`);
  const none = (file: string): string => path.join(gitDirectory, "info", file);
  const files = { excludeFile: none("exclude"), attributesFile: none("none"), shallowFile: none("shallow") };
  return { top, gitDirectory, objectDirectory, ...files, signal, env: { GIT_DIR: gitDirectory } };
}

/**
 * Returns whether a repository ignores a folder in its work tree and tracks nothing in it: then the folder is
 * not part of the checkout.
 */
export async function isIgnoredFolder({ top, signal }: Checkout, folder: string): Promise<boolean> {
  if (folder === top) return false;
  const options = { cwd: top, signal };
  return (await isIgnored(folder, options)) && (await isTracked(folder, options)) === false;
}
