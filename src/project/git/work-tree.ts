import type { Reading, WorkTreeFiles, WorkTreeRequest } from "./reading.ts";
import { readlink } from "node:fs/promises";
import path from "node:path";
import { isInside } from "../../system/paths.ts";
import { LINK } from "./disk.ts";
import type { TreeEntry } from "./git.ts";
import { copyIndex } from "./index-entries.ts";
import { pointerWarnings } from "./lfs.ts";
import { readNewFiles } from "./new-files.ts";
import { readingEnvironment, type Scratch } from "./scratch.ts";
import { expandIndex } from "./sparse-index.ts";
import { readSubmodules } from "./submodules.ts";
import { readTrackedFiles } from "./tracked-files.ts";
import { readUserSettings } from "./user-settings.ts";
import type { Warning } from "./warnings.ts";

/**
 * Reads the files of a work tree that git tracks, or neither tracks nor ignores, byte by
 * byte as they are on the disk. Git uses a copy of the index and a temporary git directory
 * for new objects. So the repository stays unchanged even after an interruption, and
 * neither its configuration nor its attributes convert files or execute programs.
 * @throws {UserError} for conflicts, files that cannot be read, names that are not UTF-8.
 * @see gitglossary(7) "index"; git(1) GIT_DIR, GIT_INDEX_FILE, GIT_ALTERNATE_OBJECT_DIRECTORIES.
 */
export async function readWorkTree(
  request: WorkTreeRequest,
  scratch: Scratch,
  signal?: AbortSignal,
): Promise<WorkTreeFiles> {
  const files = await readInto({ ...request, ...scratch, alternates: [], prefix: "" }, signal);
  return { ...files, entries: sortedAsInGit(files.entries) };
}

/** Reads one repository and, in turn, its submodules, whose files become part of the tree. */
async function readInto(reading: Reading, signal?: AbortSignal): Promise<WorkTreeFiles> {
  const { checkout, prefix, scratch, alternates } = reading;
  alternates.push(checkout.objectDirectory);
  const copied = await copyIndex(checkout, scratch, `index${alternates.length}`);
  const env = readingEnvironment(scratch, alternates);
  const known = copied.isSparse ? await expandIndex(checkout, scratch, copied, env) : { index: copied };
  const settings = readUserSettings(checkout, signal);
  const others = settings.then((found) => readNewFiles(reading, known.index, found, signal));
  const both = [readTrackedFiles(reading, known, settings, signal), others] as const;
  await Promise.allSettled(both); // both write to the scratch directory, which is removed after an error
  const [tracked, untracked] = await Promise.all(both);
  const own = [...tracked.entries, ...untracked.entries];
  const inner = await readSubmodules(reading, tracked.submodules, (each) => readInto(each, signal));
  const pointers = tracked.pointers.map((file) => `${prefix}${file}`);
  const warnings = [
    ...untracked.warnings,
    ...(await linksLeadingOut(reading, own)),
    ...pointerWarnings(pointers, "here"),
    ...inner.warnings,
  ];
  return { entries: [...own, ...inner.entries], env: readingEnvironment(scratch, alternates), warnings };
}

/** Returns warnings about links that lead out of the checkout, and therefore nowhere on a worker. */
async function linksLeadingOut(
  { checkout: { top }, prefix }: Reading,
  entries: readonly TreeEntry[],
): Promise<Warning[]> {
  const links = entries.filter((entry) => entry.mode === LINK);
  const targets = await Promise.all(
    links.map(async ({ path: file }) => {
      const target = await readlink(path.join(top, file)).catch(() => "");
      const absolute = path.resolve(top, path.dirname(file), target);
      if (isInside(top, absolute)) return [];
      const one = `is a link out of the checkout, to ${target}`;
      return [{ file: `${prefix}${file}`, one, many: "links lead out of the checkout" }];
    }),
  );
  return targets.flat();
}

/**
 * Returns entries sorted by the bytes of their names. JavaScript compares strings in the same order, unless
 * they contain surrogates.
 */
function sortedAsInGit(entries: readonly TreeEntry[]): TreeEntry[] {
  const hasSurrogates = entries.some((entry) => /[\ud800-\udfff]/.test(entry.path));
  const compare = hasSurrogates
    ? (one: string, other: string) => Buffer.compare(Buffer.from(one), Buffer.from(other))
    : (one: string, other: string) => (one < other ? -1 : 1);
  return [...entries].sort((one, other) => compare(one.path, other.path));
}
