import path from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { UserError } from "../../errors.ts";
import { readTextIfExists } from "../../system/files.ts";
import { objectSizes } from "./commands/contents.ts";
import { Disk, hashFilesOnDisk, hashLink, isSame, LINK, modeOf } from "./disk.ts";
import { refuseInvalidNames } from "../files/file-names.ts";
import { unreadableRepository, type TreeEntry } from "./git.ts";
import { readEntries, type IndexEntry, type IndexFile } from "./index-entries.ts";
import { findPointers, namesLfs, POINTER_BYTES } from "./lfs.ts";
import { readingEnvironment, writingEnvironment } from "./scratch.ts";
import { GITLINK } from "./submodules.ts";
import type { UserSettings } from "./user-settings.ts";
import type { Reading } from "./reading.ts";

export interface TrackedFiles {
  /** With the content and mode on the disk; files that do not exist there are left out. */
  entries: TreeEntry[];
  submodules: string[];
  /** Files whose content on the disk is only a Git LFS pointer. */
  pointers: string[];
}

/** A tracked file that exists on the disk, with its mode there. */
interface Found {
  entry: IndexEntry;
  mode: string;
  sizeBytes: number;
  /** The file has not changed since the index was compared with it. */
  isSame: boolean;
}

/**
 * Reads the tracked files as they are on the disk, whatever the index contains. A file that has not changed
 * since the index was compared with it has the content that the index names, unless git converted it. After a
 * conversion its size differs; if conversions that may keep the size are configured, the file is hashed.
 * @throws {UserError} for conflicts, and for files that cannot be read.
 */
export async function readTrackedFiles(
  reading: Reading,
  { index, entries }: { index: IndexFile; entries?: IndexEntry[] },
  settings: Promise<UserSettings>,
  signal?: AbortSignal,
): Promise<TrackedFiles> {
  const { checkout, scratch, alternates, objects } = reading;
  const { top } = checkout;
  const env = { ...readingEnvironment(scratch, alternates), GIT_INDEX_FILE: index.file };
  const options = { cwd: top, env, signal, explain: unreadableRepository(top) };
  const known = entries ?? (await readEntries(options));
  refuseConflicts(known, top);
  refuseInvalidNames(known.map((entry) => entry.path));
  const isSubmodule = ({ mode }: IndexEntry): boolean => mode === GITLINK;
  const files = known.filter((entry) => !isSubmodule(entry));
  const measuring = objectSizes(
    files.map(({ object }) => object),
    options,
  );
  measuring.catch(() => undefined); // reported when it is awaited
  const found = await findOnDisk(files, top, index);
  const conversions = await findConversions(found, top, settings);
  const sizes = await measuring;
  const isAsStored = ({ entry, sizeBytes }: Found): boolean =>
    sizeBytes > conversions.upToBytes && sizes.get(entry.object) === sizeBytes;
  const regular = found.filter(({ mode }) => mode !== LINK);
  const uncertain = regular.filter((each) => !each.isSame || !isAsStored(each));
  const hashes = await hashUncertain(uncertain, sizes, reading, signal);
  const links = found.filter(({ mode }) => mode === LINK);
  for (const { entry } of links)
    hashes.set(entry, await hashLink(path.join(top, entry.path), objects, entry.object));
  const small = regular.filter(({ sizeBytes }) => sizeBytes <= POINTER_BYTES).map(({ entry }) => entry.path);
  return {
    entries: found.map(({ entry, mode }) => ({
      mode,
      object: hashes.get(entry) ?? entry.object,
      path: entry.path,
    })),
    submodules: known.filter(isSubmodule).map((entry) => entry.path),
    pointers: conversions.lfs ? await findPointers(top, small) : [],
  };
}

function refuseConflicts(entries: readonly IndexEntry[], top: string): void {
  const conflicts = entries.filter(({ stage }) => stage !== 0);
  if (conflicts.length === 0) return;
  const names = [...new Set(conflicts.map((entry) => entry.path))];
  throw new UserError(`unresolved merge conflicts in ${top}: ${names.join(", ")}`, {
    hint: "resolve them and git add the files, or abort the merge with: git merge --abort",
  });
}

/** Number of files to look at before yielding to the event loop. */
const CHUNK = 500;

async function findOnDisk(entries: readonly IndexEntry[], top: string, index: IndexFile): Promise<Found[]> {
  const disk = new Disk(top);
  const found: Found[] = [];
  for (const [position, entry] of entries.entries()) {
    if (position % CHUNK === CHUNK - 1) await nextTurn();
    const stats = disk.stat(entry.path);
    if (stats === undefined || stats.isDirectory()) continue; // deleted, or replaced by a folder
    const mode = modeOf(stats, entry.path);
    found.push({ entry, mode, sizeBytes: stats.size, isSame: isSame(stats, entry, index) });
  }
  return found;
}

interface Conversions {
  /** Size in bytes up to which a file may have been converted without a change of its size. */
  upToBytes: number;
  lfs: boolean;
}

/**
 * Returns the conversions that may take place between the disk and the repository. Those of line endings and
 * keywords change the size of a file; encodings and filters need not.
 * @see gitattributes(5).
 */
async function findConversions(
  found: readonly Found[],
  top: string,
  settings: Promise<UserSettings>,
): Promise<Conversions> {
  const { attributes: others, filters } = await settings;
  const own = found.filter(
    ({ entry, mode }) => mode !== LINK && path.posix.basename(entry.path) === ".gitattributes",
  );
  const texts = await Promise.all(
    own.map(({ entry }) => readTextIfExists(path.join(top, entry.path)).catch(() => "")),
  );
  const attributes = [others, ...texts].join("\n");
  const lfs = namesLfs(attributes);
  const any = filters.length > 0 || attributes.includes("working-tree-encoding");
  return { lfs, upToBytes: any ? Infinity : lfs ? POINTER_BYTES : -1 };
}

/** Returns the hashes of files on the disk, and stores their contents unless the repository has them. */
async function hashUncertain(
  uncertain: readonly Found[],
  stored: ReadonlyMap<string, number>,
  { checkout, scratch }: Reading,
  signal?: AbortSignal,
): Promise<Map<IndexEntry, string>> {
  const options = { cwd: scratch, env: writingEnvironment(scratch), signal };
  const places = (which: readonly Found[]) => which.map(({ entry }) => path.join(checkout.top, entry.path));
  const hashes = await hashFilesOnDisk(places(uncertain), false, options);
  const isKnown = (each: Found, hash: string): boolean => hash === each.entry.object && stored.has(hash);
  const result = new Map(uncertain.map((each, index) => [each.entry, hashes[index]!]));
  const fresh = uncertain.filter((each, index) => !isKnown(each, hashes[index]!));
  const written = await hashFilesOnDisk(places(fresh), true, options);
  for (const [index, { entry }] of fresh.entries()) result.set(entry, written[index]!);
  return result;
}
