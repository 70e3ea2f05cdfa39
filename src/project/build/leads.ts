import path from "node:path";
import { isInside } from "../../system/paths.ts";
import { LINK } from "../git/disk.ts";
import type { TreeEntry } from "../git/git.ts";

/** Where a path leads within a checkout, relative to its top level. */
export interface Lead {
  /** Empty for the top level, also for what is above it. */
  place: string;
  /** The path goes on with something unknown: any name that begins so. */
  isPartial: boolean;
}

/** What the text of a path can only be guessed after. */
const UNKNOWN = /[$*?%~#@!^]/;

/**
 * The places to which a path in a text leads, seen from folders.
 * @param text as `pathsUpwards` finds it: it may begin with an option, or go on with a variable or a blank.
 */
export function leadsOf(text: string, bases: Iterable<string>, top: string): Lead[] {
  const found = new Map<string, Lead>();
  const { known, isPartial } = knownPart(text);
  for (const base of bases) {
    const place = placeOf(base, known, top);
    if (place !== undefined) found.set(place, { place, isPartial });
  }
  return [...found.values()];
}

/** Relative to the top level, and empty for what is above it; undefined for what is elsewhere. */
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

/** Without an option and what stands before a variable; up to the next variable. */
function knownPart(text: string): { known: string; isPartial: boolean } {
  const whole = text.replace(/^-[A-Za-z]+(?=[\w./])/, "").replace(/^\/+(?=\.\.)/, "");
  const up = whole.search(/(?:^|\/)\.\.(?:\/|$)/);
  const start = up > 0 && UNKNOWN.test(whole.slice(0, up)) ? up + 1 : 0;
  const rest = whole.slice(start);
  const end = rest.search(UNKNOWN);
  return end === -1 ? { known: rest, isPartial: false } : { known: rest.slice(0, end), isPartial: true };
}

/**
 * The places outside of a folder to which a path in a text leads, seen from the folder or from any one in it: scripts change
 * folders, and compilers look for headers in several.
 */
export function leadsOutOf(folder: string, text: string, top: string): Lead[] {
  const { known, isPartial } = knownPart(text);
  if (path.posix.isAbsolute(known)) return leadsOf(text, [folder], top);
  const [, ups, rest] = /^((?:\.\.(?:\/|$))*)(.*)$/s.exec(path.posix.normalize(known))!;
  const height = Math.min(ups!.split("/").filter(Boolean).length, MOST_LEVELS);
  return Array.from({ length: height }, (_, at) => "../".repeat(at + 1) + rest!).flatMap((each) =>
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
  /** Whether any name begins so. */
  readonly #begun = new Map<string, boolean>();

  constructor(entries: readonly TreeEntry[]) {
    for (const { mode, path: file } of entries) {
      (mode === LINK ? this.#links : this.#files).add(file);
      for (let at = file.lastIndexOf("/"); at > 0; at = file.lastIndexOf("/", at - 1)) {
        const folder = file.slice(0, at);
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

  /** Whether there is anything out of a folder where a path leads; asked once for all paths into one folder. */
  mayLeadOutOf(root: string, text: string, top: string): boolean {
    const directory = path.posix.dirname(text);
    const key = `${root}\0${directory}`;
    const found =
      this.#leading.get(key) ?? leadsOutOf(root, `${directory}/`, top).some((lead) => this.isThere(lead));
    this.#leading.set(key, found);
    return found;
  }

  /** Whether a lead may reach anything: it exists, or there is a folder or a link on the way. */
  isThere({ place }: Lead): boolean {
    if (this.#files.has(place) || this.#folders.has(place)) return true;
    for (let at = place.length; at > 0; at = place.lastIndexOf("/", at - 1))
      if (this.#links.has(place.slice(0, at))) return true;
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

  /** Whether a lead reaches a file: by its name, by that of a folder, or as a link on the way. */
  reaches({ place, isPartial }: Lead, file: string): boolean {
    if (place === "" || file === place) return true;
    if (this.#links.has(file) && isUnder(file, place)) return true;
    if (!file.startsWith(place)) return false;
    if (isPartial || file[place.length] === "/" || file[place.length] === " ") return true;
    return !this.#files.has(place) && !this.#folders.has(place) && !this.#links.has(place); // cut off at a character that ends most paths
  }
}

/** Whether one of two folders is the other one, or in it; the top level is empty. */
export function isRelated(one: string, other: string): boolean {
  return isUnder(one, other) || isUnder(other, one);
}

/** Whether a file or folder is a folder, or in it; the top level is empty. */
export function isUnder(folder: string, file: string): boolean {
  return folder === "" || file === folder || file.startsWith(`${folder}/`);
}
