import { copyFile, open, readdir } from "node:fs/promises";
import path from "node:path";
import { errorCode, UserError } from "../../errors.ts";
import type { GitOptions } from "./commands/ask.ts";
import { printIndex } from "./commands/files.ts";
import type { Checkout, TreeEntry } from "./git.ts";

/** A tracked file in the index, with the values of `lstat` when the index was last compared with the disk. */
export interface IndexEntry extends TreeEntry {
  /** 0, unless the file has a conflict. */
  stage: number;
  /** Times in ms since 1970, rounded as in Node.js. */
  mtimeMs: number;
  ctimeMs: number;
  /** Inode and size: only their last 32 bits. */
  inode: number;
  size: number;
}

export interface IndexFile {
  /** The copy from which the index is read. */
  file: string;
  /** When the index was written, in ms since 1970. */
  writtenMs: number;
  /** The index may contain folders instead of the files that a sparse checkout leaves out. */
  isSparse: boolean;
}

/**
 * The extension, with its length, of an index that contains folders.
 * @see git's Documentation/gitformat-index.txt
 */
const SPARSE = "sdir\0\0\0\0";

/**
 * Copies the index of a checkout, so that all queries see the same index and git writes to none.
 * @param scratch git directory that uses the copy; the shared part of a split index is copied there, too.
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
    const { mtimeMs } = await index.stat();
    await using copy = await open(file, "wx");
    const content = await index.readFile();
    await copy.writeFile(content);
    return { file, writtenMs: mtimeMs, isSparse: content.includes(SPARSE) };
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error; // no file was ever added
    return { file, writtenMs: 0, isSparse: false };
  }
}

/**
 * Returns all entries of an index, in git's order.
 * @param sparse list the folders that a sparse checkout leaves out as folders.
 */
export async function readEntries(options: GitOptions, sparse = false): Promise<IndexEntry[]> {
  return [...parseEntries(await printIndex(options, sparse))];
}

/**
 * Parses the output of `git ls-files --stage --debug -z`. Uses no regular expressions, which would create a
 * dozen strings for each of thousands of entries.
 * @throws {UserError} if the format is unknown.
 */
export function* parseEntries(output: string): Generator<IndexEntry> {
  let position = 0;
  const upTo = (end: string): string => {
    const found = output.indexOf(end, position);
    if (found === -1) throw unknownOutput("an unknown format");
    const text = output.slice(position, found);
    position = found + end.length;
    return text;
  };
  const readNumber = (name: string): number => {
    if (!output.startsWith(name, position)) throw unknownOutput(`no${name.trimEnd()}`);
    let value = 0;
    for (position += name.length; isDigit(output.charCodeAt(position)); position++)
      value = value * 10 + digit(output, position);
    return value;
  };
  while (position < output.length) {
    const mode = upTo(" ");
    const object = upTo(" ");
    const stage = Number(upTo("\t"));
    const file = upTo("\0");
    const ctimeMs = milliseconds(readNumber("  ctime: "), readNumber(":"));
    const mtimeMs = milliseconds(readNumber("\n  mtime: "), readNumber(":"));
    readNumber("\n  dev: ");
    const inode = readNumber("\tino: ");
    readNumber("\n  uid: ");
    readNumber("\tgid: ");
    const size = readNumber("\n  size: ");
    upTo("\n");
    yield { mode, object, path: file, stage, ctimeMs, mtimeMs, inode, size };
  }
}

function unknownOutput(what: string): UserError {
  return new UserError(`git ls-files --debug prints ${what.replaceAll(/\s+/g, " ")}`, {
    hint: "this version of git is not known here: see git --version, and install a released one",
  });
}

const ZERO = 48;

function isDigit(code: number): boolean {
  return code >= ZERO && code < ZERO + 10;
}

function digit(text: string, position: number): number {
  return text.charCodeAt(position) - ZERO;
}

/** Returns the same number as the `Stats` of Node.js. */
function milliseconds(seconds: number, nanoseconds: number): number {
  return seconds * 1000 + nanoseconds / 1e6;
}
