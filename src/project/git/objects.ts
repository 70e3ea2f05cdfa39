import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { deflateSync } from "node:zlib";
import { errorCode } from "../../errors.ts";
import type { TreeEntry } from "./git.ts";
import type { GitOptions } from "./commands/ask.ts";
import { objectContents, objectSizes } from "./commands/contents.ts";

/** A git object, which need not be stored anywhere. */
export interface GitObject {
  hash: string;
  /** Including the header. */
  content: Buffer;
}

/**
 * Returns an object with its hash.
 * @param like a hash of the same repository, which determines whether SHA-1 or SHA-256 is used.
 */
export function makeObject(type: "blob" | "tree" | "commit", body: Buffer, like: string): GitObject {
  const content = Buffer.concat([Buffer.from(`${type} ${body.length}\0`), body]);
  const algorithm = like.length === 64 ? "sha256" : "sha1";
  return { hash: createHash(algorithm).update(content).digest("hex"), content };
}

/**
 * Writes a loose object, unless it already exists.
 * @param objects folder of the objects.
 * @see Pro Git, "Git Internals - Git Objects", Object Storage.
 */
export async function writeObject(objects: string, { hash, content }: GitObject): Promise<void> {
  const folder = path.join(objects, hash.slice(0, 2));
  await mkdir(folder, { recursive: true });
  try {
    await writeFile(path.join(folder, hash.slice(2)), deflateSync(content), { flag: "wx", mode: 0o444 });
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error; // the same object
  }
}

/** Maximum size of an object to read, in bytes. A larger one is not a text that a person wrote. */
const MOST_TEXT = 4 << 20;
/** Maximum size of all objects that are in memory together, in bytes. */
const MOST_BYTES_IN_MEMORY = 64 << 20;

/**
 * Yields the contents of objects, with one character for each byte. Objects that are missing or larger than
 * `MOST_TEXT` are left out.
 * @param options of a git process that sees the objects.
 */
export async function* readObjects(
  objects: Iterable<string>,
  options: GitOptions,
): AsyncGenerator<[object: string, content: string]> {
  let wanted: string[] = [];
  let size = 0;
  for (const [object, bytes] of await objectSizes([...new Set(objects)], options)) {
    if (bytes > MOST_TEXT) continue;
    if (size + bytes > MOST_BYTES_IN_MEMORY) {
      yield* objectContents(wanted, options);
      wanted = [];
      size = 0;
    }
    wanted.push(object);
    size += bytes;
  }
  yield* objectContents(wanted, options);
}

/** A folder while its tree object is built: its entries by name. */
type Folder = Map<string, TreeEntry | Folder>;

/**
 * Returns the tree objects of a list of files, the top one first.
 * @param like a hash of the same repository.
 */
export function treesOf(entries: readonly TreeEntry[], like: string): GitObject[] {
  const top: Folder = new Map();
  for (const entry of entries)
    folderOf(top, path.posix.dirname(entry.path)).set(path.posix.basename(entry.path), entry);
  const trees: GitObject[] = [];
  addTree(top, like, trees);
  return trees.reverse();
}

function folderOf(top: Folder, directory: string): Folder {
  if (directory === ".") return top;
  const parent = folderOf(top, path.posix.dirname(directory));
  const name = path.posix.basename(directory);
  const existing = parent.get(name);
  if (existing instanceof Map) return existing;
  const created: Folder = new Map();
  parent.set(name, created);
  return created;
}

/**
 * Adds the tree object of a folder, and returns its hash. Names are sorted by their bytes, those of folders
 * as if they ended in a slash.
 */
function addTree(folder: Folder, like: string, trees: GitObject[]): string {
  const lines = [...folder].map(([name, child]) => {
    const [mode, object] =
      child instanceof Map ? ["40000", addTree(child, like, trees)] : [child.mode, child.object];
    const key = Buffer.from(child instanceof Map ? `${name}/` : name);
    return { key, line: Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(object, "hex")]) };
  });
  lines.sort((a, b) => Buffer.compare(a.key, b.key));
  const tree = makeObject("tree", Buffer.concat(lines.map(({ line }) => line)), like);
  trees.push(tree);
  return tree.hash;
}
