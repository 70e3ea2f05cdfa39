import { createHash } from "node:crypto";
import { realpath, writeFile } from "node:fs/promises";
import path from "node:path";
import { cacheDirectory } from "../../system/paths.ts";
import { isIgnored, isTracked } from "./commands/files.ts";
import type { Checkout } from "./git.ts";
import { makeObject, treesOf, writeObject } from "./objects.ts";
import { makeGitDirectory } from "./scratch.ts";
import { makeFolders } from "../../system/files.ts";

const NOBODY = "inet-swarm <inet-swarm@localhost> 0 +0000";

/**
 * Opens a folder that no repository has, such as an unpacked release, as if it had just been made one: all its files
 * are new, but for those that its `.gitignore` files name. The git directory is in our cache, with one empty commit,
 * which is the same each time; nothing is written into the folder.
 */
export async function openFolder(folder: string, signal?: AbortSignal): Promise<Checkout> {
  const top = await realpath(folder);
  const name = createHash("sha256").update(top).digest("hex").slice(0, 32);
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

/** Whether a repository has nothing of a folder in its work tree: then it is no part of a checkout of it. */
export async function isLeftToItself({ top, signal }: Checkout, folder: string): Promise<boolean> {
  if (folder === top) return false;
  const options = { cwd: top, signal };
  return (await isIgnored(folder, options)) && (await isTracked(folder, options)) === false;
}
