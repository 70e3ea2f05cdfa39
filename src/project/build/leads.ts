import path from "node:path";
import { isInside } from "../../system/paths.ts";
import { LINK } from "../git/disk.ts";
import type { TreeEntry } from "../git/git.ts";

/** Where a path leads within a checkout, relative to its top level. */
export interface Lead {
  /** Empty for the top level and for folders above it. */
  place: string;
  /** The rest of the path is unknown: it may be any path that begins with `place`. */
  isPartial: boolean;
}

/** Characters after which the rest of a path is unknown, such as those of variables and wildcards. */
const UNKNOWN = /[$*?%~#@!^]/;

/**
 * Returns the places to which a path in a text leads, relative to each of several folders.
 * @param text as returned by `pathsUpwards`: it may begin with an option, or contain a variable or a blank.
 */
export function leadsOf(text: string, bases: Iterable<string>, top: string): Lead[] {
  const found = new Map<string, Lead>();
  const { known, isPartial } = parseKnownPart(text);
  for (const base of bases) {
    const place = placeOf(base, known, top);
    if (place !== undefined) found.set(place, { place, isPartial });
  }
  return [...found.values()];
}

/**
 * Returns a path relative to the top level: empty for folders
 * above it, undefined for places outside the checkout.
 */
function placeOf(base: string, known: string, top: string): string | undefined {
  if (!path.posix.isAbsolute(known)) {
    const place = path.posix.join(base, known).replace(/\/$/, "");
    if (place === ".") return "";
    if (place !== ".." && !place.startsWith("../")) return place;
  }
  const absolute = path.resolve(top, base, known);
  if (isInside(top, absolute)) return path.relative(top, absolute);
  return isInside(absolute, top) ? "" : undefined;
}

/**
 * Returns the known part of a path: without an option or
 * a variable at its beginning, up to the next variable.
 */
function parseKnownPart(text: string): { known: string; isPartial: boolean } {
  const withoutOption = text.replace(/^-[A-Za-z]+(?=[\w./])/, "").replace(/^\/+(?=\.\.)/, "");
  const up = withoutOption.search(/(?:^|\/)\.\.(?:\/|$)/);
  const start = up > 0 && UNKNOWN.test(withoutOption.slice(0, up)) ? up + 1 : 0;
  const rest = withoutOption.slice(start);
  const end = rest.search(UNKNOWN);
  return end === -1 ? { known: rest, isPartial: false } : { known: rest.slice(0, end), isPartial: true };
}

/**
 * Returns the places outside a folder to which a path in a text leads, relative to the folder or to any
 * folder in it: scripts change folders, and compilers search several folders for headers.
 */
export function leadsOutOf(folder: string, text: string, top: string): Lead[] {
  const { known, isPartial } = parseKnownPart(text);
  if (path.posix.isAbsolute(known)) return leadsOf(text, [folder], top);
  const [, ups, rest] = /^((?:\.\.(?:\/|$))*)(.*)$/s.exec(path.posix.normalize(known))!;
  const height = Math.min(ups!.split("/").filter(Boolean).length, MOST_LEVELS);
  return Array.from({ length: height }, (_, index) => "../".repeat(index + 1) + rest!).flatMap((each) =>
    leadsOf(isPartial ? `${each}*` : each, [folder], top),
  );
}

const MOST_LEVELS = 50;

/** The files and folders of a checkout. */
export class Places {
  readonly #folders = new Set<string>([""]);
  readonly #files = new Set<string>();
  readonly #links = new Set<string>();
  readonly #leading = new Map<string, boolean>();
  /** Whether any name begins with the key. */
  readonly #begun = new Map<string, boolean>();

  constructor(entries: readonly TreeEntry[]) {
    for (const { mode, path: file } of entries) {
      (mode === LINK ? this.#links : this.#files).add(file);
      for (let index = file.lastIndexOf("/"); index > 0; index = file.lastIndexOf("/", index - 1)) {
        const folder = file.slice(0, index);
        if (this.#folders.has(folder)) break;
        this.#folders.add(folder);
      }
    }
  }

  hasFile(file: string): boolean {
    return this.#files.has(file);
  }

  hasFolder(folder: string): boolean {
    return this.#folders.has(folder);
  }

  /**
   * Returns whether a path may lead to anything outside a folder;
   * the answer is cached for all paths with the same parent folder.
   */
  mayLeadOutOf(root: string, text: string, top: string): boolean {
    const directory = path.posix.dirname(text);
    const key = `${root}\0${directory}`;
    const found =
      this.#leading.get(key) ?? leadsOutOf(root, `${directory}/`, top).some((lead) => this.isThere(lead));
    this.#leading.set(key, found);
    return found;
  }

  /**
   * Returns whether a lead may reach anything: it exists, something begins with its name, or it passes
   * through a symbolic link.
   */
  isThere({ place }: Lead): boolean {
    if (this.#files.has(place) || this.#folders.has(place)) return true;
    for (let index = place.length; index > 0; index = place.lastIndexOf("/", index - 1))
      if (this.#links.has(place.slice(0, index))) return true;
    const parent = place.slice(0, Math.max(0, place.lastIndexOf("/")));
    if (!this.#folders.has(parent)) return false;
    const known = this.#begun.get(place);
    if (known !== undefined) return known;
    const found = [this.#files, this.#folders, this.#links].some((names) =>
      [...names].some((name) => name.startsWith(place)),
    );
    this.#begun.set(place, found);
    return found;
  }

  /**
   * Returns whether a lead reaches a file: by its own name, by that of a folder, or through a symbolic link.
   */
  reaches({ place, isPartial }: Lead, file: string): boolean {
    if (place === "" || file === place) return true;
    if (this.#links.has(file) && isUnder(file, place)) return true;
    if (!file.startsWith(place)) return false;
    if (isPartial || file[place.length] === "/" || file[place.length] === " ") return true;
    // if no such place exists, the path may have been cut at a character that ends most paths
    return !this.#files.has(place) && !this.#folders.has(place) && !this.#links.has(place);
  }
}

/** Returns whether one of two folders is the other one or is in it; the top level is empty. */
export function isRelated(one: string, other: string): boolean {
  return isUnder(one, other) || isUnder(other, one);
}

/** Returns whether a file or folder is a given folder or is in it; the top level is empty. */
export function isUnder(folder: string, file: string): boolean {
  return folder === "" || file === folder || file.startsWith(`${folder}/`);
}

/** Returns the folder of a file; empty for the top folder. */
export function folderOf(file: string): string {
  const folder = path.posix.dirname(file);
  return folder === "." ? "" : folder;
}
