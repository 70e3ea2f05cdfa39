import { copyFile, open, readdir } from "node:fs/promises";
import path from "node:path";
import { errorCode, UserError } from "../../errors.ts";
import type { GitOptions } from "./commands/ask.ts";
import { printIndex } from "./commands/files.ts";
import type { Checkout, TreeEntry } from "./git.ts";

/** A tracked file as the index knows it, with what `lstat` said when it was last compared with the disk. */
export interface IndexEntry extends TreeEntry {
  /** 0, but for a file with a conflict. */
  stage: number;
  /** Times in ms since 1970, as Node.js rounds them. */
  mtimeMs: number;
  ctimeMs: number;
  /** The last 32 bits of both. */
  inode: number;
  size: number;
}

export interface IndexFile {
  /** The copy that is read. */
  file: string;
  /** When the index was written, in ms since 1970. */
  writtenMs: number;
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
    const { mtimeMs } = await index.stat();
    await using copy = await open(file, "wx");
    const content = await index.readFile();
    await copy.writeFile(content);
    return { file, writtenMs: mtimeMs, isSparse: content.includes(SPARSE) };
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error; // nothing was ever added
    return { file, writtenMs: 0, isSparse: false };
  }
}

/** All entries of an index, in git's order. @param sparse folders that a sparse checkout leaves out stay folders. */
export async function readEntries(options: GitOptions, sparse = false): Promise<IndexEntry[]> {
  return [...parseEntries(await printIndex(options, sparse))];
}

/** Step by step, because a regular expression leaves a dozen strings of each of some thousand entries behind. */
export function* parseEntries(output: string): Generator<IndexEntry> {
  let at = 0;
  const upTo = (end: string): string => {
    const found = output.indexOf(end, at);
    if (found === -1) throw unknownOutput("an unknown format");
    const text = output.slice(at, found);
    at = found + end.length;
    return text;
  };
  const number = (name: string): number => {
    if (!output.startsWith(name, at)) throw unknownOutput(`no${name.trimEnd()}`);
    let value = 0;
    for (at += name.length; isDigit(output.charCodeAt(at)); at++) value = value * 10 + digit(output, at);
    return value;
  };
  while (at < output.length) {
    const mode = upTo(" ");
    const object = upTo(" ");
    const stage = Number(upTo("\t"));
    const file = upTo("\0");
    const ctimeMs = milliseconds(number("  ctime: "), number(":"));
    const mtimeMs = milliseconds(number("\n  mtime: "), number(":"));
    number("\n  dev: ");
    const inode = number("\tino: ");
    number("\n  uid: ");
    number("\tgid: ");
    const size = number("\n  size: ");
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

function digit(text: string, at: number): number {
  return text.charCodeAt(at) - ZERO;
}

/** The same number as in the `Stats` of Node.js. */
function milliseconds(seconds: number, nanoseconds: number): number {
  return seconds * 1000 + nanoseconds / 1e6;
}
