import path from "node:path";
import { isInside } from "../system/paths.ts";
import { LINK } from "./disk.ts";
import type { TreeEntry } from "./git.ts";

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
    const absolute = path.resolve(top, base, known);
    if (!isInside(top, absolute) && !isInside(absolute, top)) continue;
    const place = isInside(top, absolute) ? path.relative(top, absolute) : "";
    found.set(place, { place, isPartial });
  }
  return [...found.values()];
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
