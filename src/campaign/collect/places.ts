import { existsSync, lstatSync, readlinkSync, realpathSync, statSync, type Stats } from "node:fs";
import path from "node:path";
import { errorCode, errorText } from "../../errors.ts";
import { isAllowedOutside, forbiddenName, whyLinkRefused, whyRefused } from "../../stores/output-path.ts";
import { isInside } from "../../system/paths.ts";

/** Where results of a campaign are collected, as the client knows it by itself. All paths are absolute. */
export interface Study {
  gitTop: string;
  directory: string;
  /** Folder of the records. */
  resultDirectory: string;
  /** Places outside of the checkout to which runs may write. @see OutputPlaces */
  outside: readonly string[];
}

/** A file that cannot be where it belongs, or must not. The message says which and why. */
export class Unplaceable extends Error {
  override name = "Unplaceable";
}

const LONGEST_NAME_BYTES = 255;

/**
 * Decides where files may be written, by their names and by what these names lead to on the disk: a run may have
 * left links, or replaced some that another run has left. What the user's own links lead to is in `outside`.
 */
export class Places {
  readonly #study: Study;
  readonly #top: string;
  readonly #outside: string[];
  /** Folders that have been looked at, by their names. */
  #real = new Map<string, string>();

  constructor(study: Study) {
    this.#study = study;
    this.#top = realpathSync(study.gitTop);
    this.#outside = study.outside.map(realPlace);
  }

  /** Forgets what is known of folders: runs and users may have changed them meanwhile. */
  refresh(): void {
    this.#real.clear();
  }

  /** @throws {Unplaceable} if no file may be written here. @param target absolute. */
  checkPermitted(target: string): void {
    const { gitTop: top, outside } = this.#study;
    const why = whyRefused({ top, outside }, target) ?? this.#whyBehindLinks(target);
    if (why !== undefined) throw new Unplaceable(`${this.shown(target)} (${why})`);
  }

  /** @throws {Unplaceable} if a file must not, or cannot, be written here. @param target absolute. */
  check(target: string): void {
    this.checkPermitted(target);
    if (Buffer.byteLength(path.basename(target)) > LONGEST_NAME_BYTES)
      throw new Unplaceable(`${this.shown(target)} (the name is too long)`);
    if (lstatSync(target, { throwIfNoEntry: false })?.isDirectory())
      throw new Unplaceable(`${this.shown(target)} (a folder of that name exists)`);
  }

  /** @throws {Unplaceable} if a link leads out of the places in which files may be. */
  checkLink(target: string, leadsTo: string): void {
    const { gitTop: top, outside } = this.#study;
    const resolved = path.resolve(this.#realOf(path.dirname(target)), leadsTo);
    const why =
      whyLinkRefused({ top, outside }, target, leadsTo) ??
      (this.#isPermitted(whereLinkLeads(resolved))
        ? undefined
        : `a symbolic link that leads out of the checkout, to ${leadsTo}`);
    if (why !== undefined) throw new Unplaceable(`${this.shown(target)} (${why})`);
  }

  /** A path for messages: relative to the study if it is in the checkout. */
  shown(target: string): string {
    const { gitTop, directory } = this.#study;
    return isInside(gitTop, target) ? path.relative(directory, target) : target;
  }

  #whyBehindLinks(target: string): string | undefined {
    let folder: string;
    try {
      folder = this.#realOf(path.dirname(target));
    } catch (error) {
      return error instanceof Unplaceable ? error.message : `not writable: ${errorText(error)}`;
    }
    if (!this.#isPermitted(path.join(folder, path.basename(target))))
      return "behind a symbolic link that leads out of the checkout";
    return isInGitDirectory(folder, this.#top) ? "inside a git directory" : undefined;
  }

  #isPermitted(real: string): boolean {
    if (isInside(this.#top, real))
      return real === this.#top || forbiddenName(real.slice(this.#top.length)) === undefined;
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

/** The folder without symbolic links; what is not there yet is added to the nearest folder that is. */
function realPath(folder: string): string {
  const stats = statsBehindLinks(folder);
  if (stats?.isDirectory()) return realpathSync.native(folder);
  if (stats !== undefined) throw new Unplaceable("below a path that is a file");
  if (lstatSync(folder, { throwIfNoEntry: false }) !== undefined)
    throw new Unplaceable("below a dangling symbolic link");
  return path.join(realPath(path.dirname(folder)), path.basename(folder));
}

/** Undefined where nothing is, and behind links that go round in a circle. */
function statsBehindLinks(place: string): Stats | undefined {
  try {
    return statSync(place, { throwIfNoEntry: false });
  } catch (error) {
    if (errorCode(error) === "ELOOP") return undefined;
    throw error;
  }
}

/** As many links in a row as Linux follows. */
const LONGEST_CHAIN = 40;

/** What a link leads to, without symbolic links: a file, a folder, or something that is not there, or not yet. */
function whereLinkLeads(place: string, left = LONGEST_CHAIN): string {
  const folder = realPath(path.dirname(place));
  const real = path.join(folder, path.basename(place));
  const isLink = lstatSync(real, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  if (!isLink || left === 0) return real; // what goes round in a circle leads nowhere else
  return whereLinkLeads(path.resolve(folder, readlinkSync(real)), left - 1);
}

/** A place outside of the checkout without symbolic links. */
function realPlace(place: string): string {
  const folder = place.endsWith("/") ? place.slice(0, -1) : path.dirname(place);
  const real = realPath(folder);
  return place.endsWith("/") ? `${real}/` : path.join(real, path.basename(place));
}

/** git obeys the configuration that lies in such a folder, whatever the folder is called. */
function isInGitDirectory(folder: string, top: string): boolean {
  for (let each = folder; isInside(top, each) && each !== top; each = path.dirname(each))
    if (["HEAD", "objects", "refs"].every((name) => existsSync(path.join(each, name)))) return true;
  return false;
}
