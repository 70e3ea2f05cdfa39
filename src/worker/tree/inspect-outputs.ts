import { accessSync, constants, lstatSync, readlinkSync, type Stats } from "node:fs";
import path from "node:path";
import { errorCode } from "../../errors.ts";
import type { ResultFile } from "../../model/result.ts";
import { no, YES, type Verdict } from "../../model/verdict.ts";
import { checkLink, checkPlace, type OutputPlaces } from "../../stores/output-path.ts";
import { isInside } from "../../system/paths.ts";
import type { Difference } from "./snapshot.ts";

/** The outputs of a run, sorted by whether they can be collected. */
export interface Outputs {
  files: ResultFile[];
  /** New folders without any collected file. */
  folders: string[];
  /** Messages about files that are not collected and need not be, such as sockets. */
  warnings: string[];
  /** Messages about results that cannot be collected, so that the run has not completed. */
  problems: string[];
}

export interface Inspection {
  /** The folder that represents the client's `/`. */
  mirror: string;
  places: OutputPlaces;
  /** Files of the build, relative to the mirror. */
  products: ReadonlySet<string>;
  /** Needed projects with their own checkouts; the folders are absolute paths on the client. */
  needed?: readonly { name: string; folder: string }[];
}

/** A larger file is refused as sparse if it occupies less than 1/SPARSE_RATIO of its size on the disk. */
const SPARSE_BYTES = 4 * 2 ** 30;
const SPARSE_RATIO = 16;
/** Unit of `blocks`. @see stat(2) */
const BLOCK_BYTES = 512;

/** Maximum number of names in a message. */
const SHOWN = 3;

/**
 * Decides which of a run's files are collected: only regular files, folders, and links that stay inside the
 * permitted places. Opens no file, because opening a FIFO would block.
 */
export function inspectOutputs(difference: Difference, where: Inspection): Outputs {
  const { written, directories, damaged, locked = new Map<string, number>() } = difference;
  const files: ResultFile[] = [];
  const special: string[] = [];
  const refused = new Map<string, string[]>();
  for (const file of written) {
    const verdict = inspect(file, where);
    if (verdict.ok) files.push(file);
    else if (verdict.isSpecial) special.push(`${shown(file.path, where)} (${verdict.reason})`);
    else refused.set(verdict.reason, [...(refused.get(verdict.reason) ?? []), shown(file.path, where)]);
  }
  const repositories = bareRepositories(files).map((folder) => shown(folder, where));
  if (repositories.length > 0) refused.set("a git repository", repositories);
  const changed = new Set(written.map((file) => file.path));
  const deleted = damaged.filter((file) => !changed.has(file)).map((file) => shown(file, where));
  const opened = [...locked].map(
    ([folder, mode]) => `${shown(folder, where)} (mode ${mode.toString(8).padStart(3, "0")})`,
  );
  return {
    files,
    folders: emptyFolders(directories, files, where),
    warnings: [
      ...(special.length > 0 ? [`not collected (not a regular file): ${list(special)}`] : []),
      ...(deleted.length > 0 ? [`it deleted project files, which are kept here: ${list(deleted)}`] : []),
      ...(opened.length > 0
        ? [`it made directories inaccessible, which stay accessible here: ${list(opened)}`]
        : []),
    ],
    problems: [...refused].map(([why, names]) => `${list(names)} (${why})`),
  };
}

/** `isSpecial`: it may be among results, and need not be collected. */
type Inspected = { ok: true } | { ok: false; reason: string; isSpecial?: true };

function inspect(file: ResultFile, where: Inspection): Inspected {
  const { mirror, places, products, needed = [] } = where;
  const absolute = `/${file.path}`;
  const place = checkPlace(places, absolute);
  const project = needed.find(({ folder }) => isInside(folder, absolute));
  if (!place.ok && project !== undefined)
    return no(`in the needed project ${project.name}, which a run must not change`);
  if (!place.ok) return place;
  if (products.has(file.path)) return no("part of the build, which a run must not change");
  return inspectContent(path.join(mirror, file.path), (target) => checkLink(places, absolute, target));
}

function inspectContent(place: string, checkTarget: (target: string) => Verdict): Inspected {
  let stats: Stats;
  try {
    stats = lstatSync(place);
  } catch (error) {
    return no(errorCode(error) === "ENAMETOOLONG" ? "its path is too long" : "not accessible");
  }
  const kind = specialKind(stats);
  if (kind !== undefined) return { ...no(kind), isSpecial: true };
  if (stats.isSymbolicLink()) return checkTarget(readlinkSync(place));
  if (isSparse(stats)) return no(`sparse: ${stats.size} bytes with hardly any content`);
  return isReadable(place, stats) ? YES : no("not readable");
}

function specialKind(stats: Stats): string | undefined {
  if (stats.isFIFO()) return "FIFO";
  if (stats.isSocket()) return "socket";
  return stats.isCharacterDevice() || stats.isBlockDevice() ? "device" : undefined;
}

function isSparse({ size, blocks }: Stats): boolean {
  return size > SPARSE_BYTES && blocks * BLOCK_BYTES * SPARSE_RATIO < size;
}

/** Checks the mode, too: this process may be root, but the user who collects the file need not be. */
function isReadable(place: string, { mode }: Stats): boolean {
  if ((mode & 0o400) === 0) return false;
  try {
    accessSync(place, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns folders that git recognises as bare repositories: git commands would follow the configuration in
 * them.
 * @see git-config(1) safe.bareRepository
 */
function bareRepositories(files: readonly ResultFile[]): string[] {
  const heads = files.filter((file) => path.posix.basename(file.path) === "HEAD");
  return heads.flatMap(({ path: head }) => {
    const folder = path.posix.dirname(head);
    const has = (name: string): boolean => files.some((file) => file.path.startsWith(`${folder}/${name}`));
    return has("objects/") && has("refs/") ? [folder] : [];
  });
}

/** Returns the folders that contain no file and no other folder. */
function emptyFolders(
  directories: readonly string[],
  files: readonly ResultFile[],
  { places }: Inspection,
): string[] {
  const filled = new Set(files.flatMap((file) => parents(file.path)));
  const empty: string[] = [];
  for (const folder of directories) {
    if (filled.has(folder) || !checkPlace(places, `/${folder}/x`).ok) continue;
    empty.push(folder);
    for (const parent of parents(folder)) filled.add(parent);
  }
  return empty;
}

/** Returns all folders above a file: `a` and `a/b` for `a/b/c`. */
export function parents(file: string): string[] {
  const names = file.split("/").slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join("/"));
}

/** Returns a path for messages: relative to the user's checkout, or absolute outside of it; quoted as in JSON. */
function shown(file: string, { places }: Inspection): string {
  const prefix = `${places.top.slice(1)}/`;
  return JSON.stringify(file.startsWith(prefix) ? file.slice(prefix.length) : `/${file}`).slice(1, -1);
}

function list(names: readonly string[]): string {
  const more = names.length - SHOWN;
  return names.slice(0, SHOWN).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
