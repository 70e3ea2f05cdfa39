import { copyFile, open, readdir } from "node:fs/promises";
import path from "node:path";
import { errorCode } from "../errors.ts";
import type { Checkout, TreeEntry } from "./git.ts";
import { git, type GitOptions } from "./plumbing.ts";

/** A tracked file as the index knows it, with what `lstat` said when it was last compared with the disk. */
export interface IndexEntry extends TreeEntry {
  /** 0, but for a file with a conflict. */
  stage: number;
  mtimeNs: bigint;
  ctimeNs: bigint;
  /** These have 32 bits. */
  inode: number;
  userId: number;
  groupId: number;
  size: number;
}

export interface IndexFile {
  /** The copy that is read. */
  file: string;
  /** When the index was written, in ns since 1970. */
  writtenNs: bigint;
  /** It may have folders instead of the files that a sparse checkout leaves out. */
  isSparse: boolean;
}

/** An extension of an index that has folders, and its length. @see git's Documentation/gitformat-index.txt */
const SPARSE = "sdir\0\0\0\0";

/**
 * Copies the index of a checkout, so that all questions see the same one and git writes to none.
 * @param scratch the git directory that uses the copy; an index that is split has its other part there, too.
 */
export async function copyIndex(
  { gitDirectory }: Pick<Checkout, "gitDirectory">,
  scratch: string,
  name: string,
): Promise<IndexFile> {
  const file = path.join(scratch, name);
  const parts = (await readdir(gitDirectory)).filter((each) => each.startsWith("sharedindex."));
  if (gitDirectory !== scratch)
    for (const each of parts) await copyFile(path.join(gitDirectory, each), path.join(scratch, each));
  try {
    await using index = await open(path.join(gitDirectory, "index"));
    const { mtimeNs } = await index.stat({ bigint: true });
    await using copy = await open(file, "wx");
    const content = await index.readFile();
    await copy.writeFile(content);
    return { file, writtenNs: mtimeNs, isSparse: content.includes(SPARSE) };
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error; // nothing was ever added
    return { file, writtenNs: 0n, isSparse: false };
  }
}

const ENTRY =
  /(\d+) ([0-9a-f]+) (\d)\t([^\0]*)\0 {2}ctime: (\d+):(\d+)\n {2}mtime: (\d+):(\d+)\n {2}dev: \d+\tino: (\d+)\n {2}uid: (\d+)\tgid: (\d+)\n {2}size: (\d+)\tflags: [0-9a-f]+\n/y;

/** All entries of an index, in git's order. @see git-ls-files(1) --debug, --sparse. */
export async function readEntries(
  options: GitOptions,
  settings: readonly string[] = [],
  ...sparse: "--sparse"[]
): Promise<IndexEntry[]> {
  const output = await git([...settings, "ls-files", "--stage", "--debug", ...sparse, "-z"], options);
  const entries: IndexEntry[] = [];
  ENTRY.lastIndex = 0;
  while (ENTRY.lastIndex < output.length) {
    const match = ENTRY.exec(output);
    if (match === null) throw new Error("git ls-files --debug prints something that is not known");
    const [, mode, object, stage, file, ...numbers] = match as unknown as [
      string,
      string,
      string,
      string,
      string,
    ];
    const [ctime, ctimeRest, mtime, mtimeRest, inode, userId, groupId, size] = numbers as string[];
    entries.push({
      mode,
      object,
      path: file,
      stage: Number(stage),
      ctimeNs: nanoseconds(ctime!, ctimeRest!),
      mtimeNs: nanoseconds(mtime!, mtimeRest!),
      inode: Number(inode),
      userId: Number(userId),
      groupId: Number(groupId),
      size: Number(size),
    });
  }
  return entries;
}

function nanoseconds(seconds: string, rest: string): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(rest);
}
