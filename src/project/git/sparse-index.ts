import { copyFile } from "node:fs/promises";
import path from "node:path";
import { statIfThere } from "../../system/files.ts";
import { parseTree } from "./commit.ts";
import { unreadableRepository, type Checkout } from "./git.ts";
import { readEntries, type IndexEntry, type IndexFile } from "./index-entries.ts";
import { git } from "./plumbing.ts";

const FOLDER = "040000";

/** Values for a file that the index does not list, with which no file on the disk agrees. */
const UNKNOWN = { stage: 0, mtimeMs: 0, ctimeMs: 0, inode: 0, size: 0 };

/** Without these settings, git expands the index while it reads it. */
const SETTINGS = [
  "core.sparseCheckout=true",
  "core.sparseCheckoutCone=true",
  "index.sparse=true",
  "sparse.expectFilesOutsideOfPatterns=true",
].flatMap((setting) => ["-c", setting]);

/**
 * Lists the files of a sparse index, and writes an index of these files for further queries. Files in folders
 * that the sparse checkout leaves out are listed only if the folder exists on the disk. Git could expand the
 * index itself, but would then update the times of the trees that it finds in the repository.
 * @see git's Documentation/technical/sparse-index.txt
 */
export async function expandIndex(
  { top, gitDirectory, signal }: Checkout,
  scratch: string,
  index: IndexFile,
  env: NodeJS.ProcessEnv,
): Promise<{ index: IndexFile; entries: IndexEntry[] }> {
  const file = `${index.file}.full`;
  const explain = unreadableRepository(top);
  const options = { cwd: top, env: { ...env, GIT_INDEX_FILE: index.file }, signal, explain };
  const entries: IndexEntry[] = [];
  const patterns = "info/sparse-checkout";
  if (await statIfThere(path.join(gitDirectory, patterns)))
    await copyFile(path.join(gitDirectory, patterns), path.join(scratch, patterns));
  for (const entry of await readEntries(options, SETTINGS, "--sparse")) {
    if (entry.mode !== FOLDER) entries.push(entry);
    else if ((await statIfThere(path.join(top, entry.path)))?.isDirectory() === true) {
      const command = ["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", entry.object];
      const inside = parseTree(await git(command, options));
      entries.push(...inside.map((each) => ({ ...UNKNOWN, ...each, path: `${entry.path}${each.path}` })));
    }
  }
  const input = entries.map((each) => `${each.mode} ${each.object} ${each.stage}\t${each.path}\0`).join("");
  const command = ["update-index", "-z", "--index-info"];
  await git(command, { ...options, env: { ...env, GIT_INDEX_FILE: file }, input });
  return { index: { ...index, file, isSparse: false }, entries };
}
