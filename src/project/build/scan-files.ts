import { createHash } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { makeFolders, statIfThere, writeFileAtomically } from "../../system/files.ts";
import { cacheDirectory } from "../../system/paths.ts";
import { boundedText } from "../../system/regular-file.ts";
import type { Code } from "../git/code.ts";
import { LINK } from "../git/disk.ts";
import { isOpaque, kindOf } from "../files/file-kinds.ts";
import type { TreeEntry } from "../git/git.ts";
import { readObjects } from "../git/objects.ts";
import { NOTHING, scanText, type TextScan } from "../files/text-scan.ts";

/** What files say of other files, by their paths. */
export interface FileScan extends TextScan {
  entry: TreeEntry;
  /** It names the checkout itself by its absolute path. */
  namesTop: boolean;
}

export interface FileScans {
  files: FileScan[];
  /** A file that is too large to be read: it may say anything. */
  unread: string[];
}

/** Raised when a scan finds something else in the same text. */
const VERSION = 1;

/** What is remembered of objects: those that say nothing, and what the others say. */
interface Remembered {
  version: number;
  silent: string[];
  scans: Record<string, TextScan & { namesTop?: boolean }>;
}

const known = new WeakMap<Code, Promise<FileScans>>();

/** Scans all files of a code, once for as long as it lives. */
export function scanCode(code: Code): Promise<FileScans> {
  const found = known.get(code) ?? scanFiles(code, code.entries, code.checkout.signal);
  known.set(code, found);
  found.catch(() => undefined); // reported to whoever waits for it
  return found;
}

/**
 * Scans files. What was found in an object is remembered in the user's cache, so of a large checkout only what has
 * changed is read.
 */
async function scanFiles(
  { checkout: { top }, env }: Pick<Code, "checkout" | "env">,
  entries: readonly TreeEntry[],
  signal?: AbortSignal,
): Promise<FileScans> {
  const wanted = entries.filter(({ mode, path: file }) => mode === LINK || !isOpaque(file));
  if (wanted.length === 0) return { files: [], unread: [] };
  const memory = memoryFile(top);
  const { silent, scans } = recall(memory);
  const silences = new Set(silent);
  const keys = wanted.map(keyOf);
  const isKnown = (key: string): boolean => silences.has(key) || Object.hasOwn(scans, key);
  const unknown = wanted.filter((_, at) => !isKnown(keys[at]!));
  const name = Buffer.from(top).toString("latin1");
  const byObject = new Map<string, TreeEntry[]>();
  for (const entry of unknown) byObject.set(entry.object, [...(byObject.get(entry.object) ?? []), entry]);
  for await (const [object, text] of readObjects(byObject.keys(), { cwd: top, env, signal })) {
    const namesTop = text.includes(name);
    for (const entry of byObject.get(object)!) {
      const found = scanEntry(entry, text);
      if (found === undefined && !namesTop) silences.add(keyOf(entry));
      else scans[keyOf(entry)] = { ...(found ?? NOTHING), ...(namesTop && { namesTop }) };
    }
    byObject.delete(object);
  }
  const unread = [...byObject.values()].flat().map((entry) => entry.path);
  if (unknown.length > unread.length)
    await remember(memory, { version: VERSION, silent: [...silences], scans });
  const files = wanted.flatMap((entry, at) => {
    const scan = scans[keys[at]!];
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

/** The same content is scanned in another way in a file of another kind. */
function keyOf({ mode, object, path: file }: TreeEntry): string {
  if (mode === LINK) return `link ${object}`;
  const kind = kindOf(file);
  if (kind === "code" || kind === "build") return `${kind} ${object}`;
  return `${path.posix.extname(file).toLowerCase()} ${object}`;
}

const LOOKED_AT = 8192;

function isBinary(text: string): boolean {
  const zero = text.indexOf("\0");
  return zero !== -1 && zero < LOOKED_AT;
}

function memoryFile(top: string): string {
  const name = createHash("sha256").update(top).digest("hex").slice(0, 32);
  return path.join(cacheDirectory(), "scans", `${name}.json`);
}

/** More is begun anew: most of it is of files that are no more. */
const MOST_BYTES = 16 << 20;

function recall(file: string): Remembered {
  try {
    const text = boundedText(file, MOST_BYTES);
    const found = text === undefined ? undefined : (JSON.parse(text) as Remembered);
    if (found?.version === VERSION && Array.isArray(found.silent) && typeof found.scans === "object")
      return found;
  } catch {
    // there is none yet, or it is damaged
  }
  return { version: VERSION, silent: [], scans: {} };
}

const KEPT_MS = 60 * 24 * 3600_000;

/** Of checkouts that nobody has used for long. */
async function removeOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name);
    const changedAt = (await statIfThere(file))?.mtimeMs ?? Infinity;
    if (Date.now() - changedAt > KEPT_MS) await rm(file, { force: true });
  }
}

async function remember(file: string, memory: Remembered): Promise<void> {
  try {
    await makeFolders(path.dirname(file), 0o700);
    await writeFileAtomically(file, JSON.stringify(memory), 0o600);
    await removeOld(path.dirname(file));
  } catch {
    // a full or read-only disk: the files are read again the next time
  }
}
