import { existsSync, lstatSync, readlinkSync, realpathSync, statSync, type Stats } from "node:fs";
import path from "node:path";
import { errorCode, errorText } from "../../errors.ts";
import { no, YES, type Verdict } from "../../model/verdict.ts";
import { checkLink, checkName, checkPlace, isAllowedOutside } from "../../stores/output-path.ts";
import { isInside } from "../../system/paths.ts";

/** Where the results of a campaign are stored, as this client knows it. All paths are absolute. */
export interface Study {
  gitTop: string;
  directory: string;
  /** Folder of the records. */
  resultDirectory: string;
  /** Places outside the checkout to which runs may write. @see OutputPlaces */
  outside: readonly string[];
}

/** A file cannot or must not be stored in its place. The message says which file, and why. */
export class Unplaceable extends Error {
  override name = "Unplaceable";
}

const LONGEST_NAME_BYTES = 255;

/**
 * Decides where files may be written, based on their paths and on the links on the disk: a run may have
 * created links, or replaced those of another run. Targets of the user's own links are in `outside`.
 */
export class Places {
  readonly #study: Study;
  readonly #top: string;
  readonly #outside: string[];
  /** Folders without symbolic links, by their paths. */
  #real = new Map<string, string>();

  constructor(study: Study) {
    this.#study = study;
    this.#top = realpathSync(study.gitTop);
    this.#outside = study.outside.map(realPlace);
  }

  /** Discards what is known about folders: runs and users may have changed them. */
  refresh(): void {
    this.#real.clear();
  }

  /**
   * Checks that a file may be written here.
   * @param target absolute.
   * @throws {Unplaceable} if it may not.
   */
  checkPermitted(target: string): void {
    const { gitTop: top, outside } = this.#study;
    const named = checkPlace({ top, outside }, target);
    const verdict = named.ok ? this.#checkBehindLinks(target) : named;
    if (!verdict.ok) throw new Unplaceable(`${this.shown(target)} (${verdict.reason})`);
  }

  /**
   * Checks that a file may and can be written here.
   * @param target absolute.
   * @throws {Unplaceable} if it may not or cannot.
   */
  check(target: string): void {
    this.checkPermitted(target);
    if (Buffer.byteLength(path.basename(target)) > LONGEST_NAME_BYTES)
      throw new Unplaceable(`${this.shown(target)} (the name is too long)`);
    if (lstatSync(target, { throwIfNoEntry: false })?.isDirectory())
      throw new Unplaceable(`${this.shown(target)} (a folder of that name exists)`);
  }

  /**
   * Checks that a symbolic link does not lead out of the permitted places.
   * @throws {Unplaceable} if it does.
   */
  checkLink(target: string, leadsTo: string): void {
    const { gitTop: top, outside } = this.#study;
    const resolved = path.resolve(this.#realOf(path.dirname(target)), leadsTo);
    let verdict = checkLink({ top, outside }, target, leadsTo);
    if (verdict.ok && !this.#isPermitted(whereLinkLeads(resolved)))
      verdict = no(`a symbolic link that leads out of the checkout, to ${leadsTo}`);
    if (!verdict.ok) throw new Unplaceable(`${this.shown(target)} (${verdict.reason})`);
  }

  /** Returns a path for messages: relative to the study if it is in the checkout. */
  shown(target: string): string {
    const { gitTop, directory } = this.#study;
    return isInside(gitTop, target) ? path.relative(directory, target) : target;
  }

  #checkBehindLinks(target: string): Verdict {
    let folder: string;
    try {
      folder = this.#realOf(path.dirname(target));
    } catch (error) {
      return no(error instanceof Unplaceable ? error.message : `not writable: ${errorText(error)}`);
    }
    if (!this.#isPermitted(path.join(folder, path.basename(target))))
      return no("behind a symbolic link that leads out of the checkout");
    return isInGitDirectory(folder, this.#top) ? no("inside a git directory") : YES;
  }

  #isPermitted(real: string): boolean {
    if (isInside(this.#top, real)) return real === this.#top || checkName(real.slice(this.#top.length)).ok;
    return isAllowedOutside(this.#outside, real) || this.#outside.includes(`${real}/`);
  }

  #realOf(folder: string): string {
    const known = this.#real.get(folder);
    if (known !== undefined) return known;
    const real = realPath(folder);
    this.#real.set(folder, real);
    return real;
  }
}

/**
 * Returns a folder without symbolic links; parts that do not
 * exist yet are appended to the nearest existing folder.
 * @throws {Unplaceable} if the folder cannot exist.
 */
function realPath(folder: string): string {
  const stats = statsBehindLinks(folder);
  if (stats?.isDirectory()) return realpathSync.native(folder);
  if (stats !== undefined) throw new Unplaceable("below a path that is a file");
  if (lstatSync(folder, { throwIfNoEntry: false }) !== undefined)
    throw new Unplaceable("below a dangling symbolic link");
  return path.join(realPath(path.dirname(folder)), path.basename(folder));
}

/**
 * Returns the properties of a file, following links;
 * undefined if it does not exist, or its links are circular.
 */
function statsBehindLinks(place: string): Stats | undefined {
  try {
    return statSync(place, { throwIfNoEntry: false });
  } catch (error) {
    if (errorCode(error) === "ELOOP") return undefined;
    throw error;
  }
}

/** The number of links that Linux follows. */
const LONGEST_CHAIN = 40;

/**
 * Returns where a path leads, without symbolic links: a
 * file, a folder, or something that does not exist (yet).
 */
function whereLinkLeads(place: string, left = LONGEST_CHAIN): string {
  const folder = realPath(path.dirname(place));
  const real = path.join(folder, path.basename(place));
  const isLink = lstatSync(real, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  if (!isLink || left === 0) return real; // circular links lead nowhere else
  return whereLinkLeads(path.resolve(folder, readlinkSync(real)), left - 1);
}

/** Returns a place outside the checkout without symbolic links. */
function realPlace(place: string): string {
  const folder = place.endsWith("/") ? place.slice(0, -1) : path.dirname(place);
  const real = realPath(folder);
  return place.endsWith("/") ? `${real}/` : path.join(real, path.basename(place));
}

/**
 * Returns whether a folder is in a git directory, whose
 * configuration git obeys, whatever the directory's name is.
 */
function isInGitDirectory(folder: string, top: string): boolean {
  for (let each = folder; isInside(top, each) && each !== top; each = path.dirname(each))
    if (["HEAD", "objects", "refs"].every((name) => existsSync(path.join(each, name)))) return true;
  return false;
}
