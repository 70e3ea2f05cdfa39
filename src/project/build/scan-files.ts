import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { shortHash } from "../../short-hash.ts";
import { makeFolders, lstatIfExists, writeFileAtomically } from "../../system/files.ts";
import { cacheDirectory } from "../../system/paths.ts";
import { boundedText } from "../../system/regular-file.ts";
import type { Code } from "../git/code.ts";
import { LINK } from "../git/disk.ts";
import { isOpaque, kindOf } from "../files/file-kinds.ts";
import type { TreeEntry } from "../git/git.ts";
import { readObjects } from "../git/objects.ts";
import { NOTHING, scanText, type TextScan } from "../files/text-scan.ts";

/** A file, and what it says about other files. */
export interface FileScan extends TextScan {
  entry: TreeEntry;
  /** The file contains the absolute path of the checkout. */
  namesTop: boolean;
}

export interface FileScans {
  files: FileScan[];
  /** Files that are too large to be read: they may name any file. */
  unread: string[];
}

/** Increased if a scan finds something else in the same text. */
const VERSION = 1;

/** The cached results for objects: those that name nothing, and what the others name. */
interface ScanCache {
  version: number;
  silent: string[];
  scans: Record<string, TextScan & { namesTop?: boolean }>;
}

const known = new WeakMap<Code, Promise<FileScans>>();

/** Scans all files of a code; the result is kept as long as the code. */
export function scanCode(code: Code): Promise<FileScans> {
  const found = known.get(code) ?? scanFiles(code, code.entries, code.checkout.signal);
  known.set(code, found);
  found.catch(() => undefined); // reported to the caller that awaits it
  return found;
}

/**
 * Scans files. The results for each object are kept in the user's cache, so that only changed files of a
 * large checkout are read again.
 */
async function scanFiles(
  { checkout: { top }, env }: Pick<Code, "checkout" | "env">,
  entries: readonly TreeEntry[],
  signal?: AbortSignal,
): Promise<FileScans> {
  const wanted = entries.filter(({ mode, path: file }) => mode === LINK || !isOpaque(file));
  if (wanted.length === 0) return { files: [], unread: [] };
  const cache = cacheFile(top);
  const { silent, scans } = readCache(cache);
  const silentKeys = new Set(silent);
  const keys = wanted.map(keyOf);
  const isKnown = (key: string): boolean => silentKeys.has(key) || Object.hasOwn(scans, key);
  const unknown = wanted.filter((_, index) => !isKnown(keys[index]!));
  const name = Buffer.from(top).toString("latin1");
  const byObject = new Map<string, TreeEntry[]>();
  for (const entry of unknown) byObject.set(entry.object, [...(byObject.get(entry.object) ?? []), entry]);
  for await (const [object, text] of readObjects(byObject.keys(), { cwd: top, env, signal })) {
    const namesTop = text.includes(name);
    for (const entry of byObject.get(object)!) {
      const found = scanEntry(entry, text);
      if (found === undefined && !namesTop) silentKeys.add(keyOf(entry));
      else scans[keyOf(entry)] = { ...(found ?? NOTHING), ...(namesTop && { namesTop }) };
    }
    byObject.delete(object);
  }
  const unread = [...byObject.values()].flat().map((entry) => entry.path);
  if (unknown.length > unread.length)
    await writeCache(cache, { version: VERSION, silent: [...silentKeys], scans });
  const files = wanted.flatMap((entry, index) => {
    const scan = scans[keys[index]!];
    return scan === undefined ? [] : [{ ...NOTHING, namesTop: false, ...scan, entry }];
  });
  return { files, unread };
}

function scanEntry({ mode, path: file }: TreeEntry, text: string): TextScan | undefined {
  if (mode === LINK) {
    const { documents } = scanText(`"${text}"`, "link");
    return { ...NOTHING, upwards: [text], includedUpwards: [text], documents };
  }
  if (isBinary(text)) return undefined;
  const scan = scanText(text, file);
  return Object.values<string | string[]>({ ...scan }).some((found) => found.length > 0) ? scan : undefined;
}

/** Returns the key of a file's scan: content is scanned differently depending on the kind of the file. */
function keyOf({ mode, object, path: file }: TreeEntry): string {
  if (mode === LINK) return `link ${object}`;
  const kind = kindOf(file);
  if (kind === "code" || kind === "build") return `${kind} ${object}`;
  return `${path.posix.extname(file).toLowerCase()} ${object}`;
}

const EXAMINED_BYTES = 8192;

function isBinary(text: string): boolean {
  const zero = text.indexOf("\0");
  return zero !== -1 && zero < EXAMINED_BYTES;
}

function cacheFile(top: string): string {
  const name = shortHash(top);
  return path.join(cacheDirectory(), "scans", `${name}.json`);
}

/** A larger cache is discarded: most of it concerns files that no longer exist. */
const MOST_BYTES = 16 << 20;

function readCache(file: string): ScanCache {
  try {
    const text = boundedText(file, MOST_BYTES);
    const found = text === undefined ? undefined : (JSON.parse(text) as ScanCache);
    if (found?.version === VERSION && Array.isArray(found.silent) && typeof found.scans === "object")
      return found;
  } catch {
    // there is no cache yet, or it is damaged
  }
  return { version: VERSION, silent: [], scans: {} };
}

const KEPT_MS = 60 * 24 * 3600_000;

/** Removes the caches of checkouts that have not been used for a long time. */
async function removeOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name);
    const changedAt = (await lstatIfExists(file))?.mtimeMs ?? Infinity;
    if (Date.now() - changedAt > KEPT_MS) await rm(file, { force: true });
  }
}

async function writeCache(file: string, cache: ScanCache): Promise<void> {
  try {
    await makeFolders(path.dirname(file), 0o700);
    await writeFileAtomically(file, JSON.stringify(cache), 0o600);
    await removeOld(path.dirname(file));
  } catch {
    // a full or read-only disk: the files are read again next time
  }
}
