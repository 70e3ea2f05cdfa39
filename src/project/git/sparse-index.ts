import { copyFile } from "node:fs/promises";
import path from "node:path";
import { lstatIfExists } from "../../system/files.ts";
import { filesOfTree } from "./commands/files.ts";
import { addToIndex } from "./commands/trees.ts";
import { unreadableRepository, type Checkout } from "./git.ts";
import { readEntries, type IndexEntry, type IndexFile } from "./index-entries.ts";

const FOLDER = "040000";

/** Values for a file that is not in the index; they match no file on the disk. */
const UNKNOWN = { stage: 0, mtimeMs: 0, ctimeMs: 0, inode: 0, size: 0 };

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
  if (await lstatIfExists(path.join(gitDirectory, patterns)))
    await copyFile(path.join(gitDirectory, patterns), path.join(scratch, patterns));
  for (const entry of await readEntries(options, true)) {
    if (entry.mode !== FOLDER) entries.push(entry);
    else if ((await lstatIfExists(path.join(top, entry.path)))?.isDirectory() === true) {
      const inside = await filesOfTree(entry.object, options);
      entries.push(...inside.map((each) => ({ ...UNKNOWN, ...each, path: `${entry.path}${each.path}` })));
    }
  }
  await addToIndex(entries, { ...options, env: { ...env, GIT_INDEX_FILE: file } });
  return { index: { ...index, file, isSparse: false }, entries };
}
