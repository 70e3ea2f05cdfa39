import path from "node:path";

/** Characters that end a file name in scripts: blanks, quotation marks, brackets and others. */
const SEPARATORS = /[\s"'`()[\]{},;:=|&<>!#$@\\]+/;
const WILDCARD = /[*?%]/;
/** Words that are followed by a folder to work in, which does not mention its files. */
const CHANGING =
  /^(?:cd|-C|-I|-L|--directory|pushd|mkdir|-p|add_subdirectory|include_directories|link_directories|cwd|chdir)$/;
/** Scripts that read all files of a folder, whose name may be computed. */
const WALKS =
  /\b(?:listdir|scandir|os\.walk|iterdir|rglob|opendir|readdir)\b|\bwildcard \*[ )]|\bfind \.\/? +-type f *(?:$|[|;&)])/m;

/**
 * The files that the scripts of a build mention: by their
 * name, their folder, or a pattern for their extension.
 */
export class Mentions {
  readonly #names = new Set<string>();
  readonly #extensions = new Set<string>();
  readonly #folders = new Set<string>();
  /** Like `#folders`, and also folders to work in. */
  readonly #places = new Set<string>();
  readonly #inFolders = new Map<string, boolean>();
  #all = false;

  /** Adds all words of a script. */
  add(text: string): void {
    this.#inFolders.clear();
    if (WALKS.test(text)) this.#all = true;
    let before = "";
    for (const raw of text.split(SEPARATORS)) {
      const word = raw.replace(/^-[A-Za-z](?=\.{0,2}\/|\w+\/)/, "");
      if (word !== "") this.#addWord(word, CHANGING.test(before) || word !== raw);
      before = raw;
    }
  }

  #addWord(word: string, isPlace: boolean): void {
    const plain = word.replace(/^(?:\.{1,2}\/)+/, "").replace(/\/$/, "");
    const name = path.posix.basename(plain).toLowerCase();
    const extension = /^\.[^.]+$/.test(name) ? name : path.posix.extname(name);
    this.#names.add(name);
    if (extension !== "" && (WILDCARD.test(name) || name === extension)) this.#extensions.add(extension);
    const isAny = WILDCARD.test(name) && (extension === "" || WILDCARD.test(extension));
    if (WILDCARD.test(name) && !isAny) return;
    const folder = isAny ? path.posix.dirname(plain) : plain;
    if (folder === "" || folder === "." || folder === "..") return;
    this.#places.add(folder.replace(/^\/(?:\.{1,2}\/)*/, "")); // the end of `$(TOP)/tools`
    if (!isPlace) this.#folders.add(folder);
  }

  /** Adds the name of a file that is known from elsewhere. */
  addName(name: string): void {
    this.#names.add(name.toLowerCase());
  }

  /** Makes all files count as mentioned. */
  addAll(): void {
    this.#all = true;
  }

  /** Returns whether a file is mentioned in any way. */
  has(file: string): boolean {
    if (this.#all || this.hasName(file)) return true;
    const extension = path.posix.extname(file).toLowerCase();
    if (this.#extensions.has(extension)) return true;
    if (NAMED_ONLY.has(extension)) return false; // naming a folder to build in does not mention these files
    return this.#isInFolder(file);
  }

  /**
   * Returns whether one of a file's folders is mentioned,
   * relative to any other: `data` for `src/data/x/in.csv`.
   */
  #isInFolder(file: string): boolean {
    const folder = path.posix.dirname(file);
    const found = this.#inFolders.get(folder) ?? isIn(file, this.#folders);
    this.#inFolders.set(folder, found);
    return found;
  }

  /** Returns whether a word is the file's name, or the end of its name: `$(NAME)_table.csv`. */
  hasName(file: string): boolean {
    const base = path.posix.basename(latin1(file)).toLowerCase();
    const last = base.split(SEPARATORS).findLast((part) => part !== "") ?? base;
    if (this.#names.has(base) || this.#names.has(last)) return true;
    for (let index = 1; index < last.length; index++)
      if (
        "_-.".includes(last[index]!) &&
        last.indexOf(".", index + 1) !== -1 &&
        this.#names.has(last.slice(index))
      )
        return true;
    return false;
  }

  /** Returns whether scripts in some folders may work in another one: the path to it consists of mentioned folders. */
  leadsTo(folder: string, from: ReadonlySet<string>): boolean {
    if (this.#all) return true;
    const parts = folder.split("/");
    const reached = new Set<number>();
    for (let end = 0; end <= parts.length; end++) {
      const isMentioned = (start: number): boolean =>
        reached.has(start) && this.#places.has(latin1(parts.slice(start, end).join("/")));
      if (from.has(parts.slice(0, end).join("/")) || range(end).some(isMentioned)) reached.add(end);
    }
    return reached.has(parts.length);
  }
}

function range(end: number): number[] {
  return [...Array(end).keys()];
}

const NAMED_ONLY = new Set([".ned", ".ini"]);

function isIn(file: string, folders: ReadonlySet<string>): boolean {
  if (folders.size === 0) return false;
  const parts = latin1(file).split("/").slice(0, -1);
  for (let start = 0; start < parts.length; start++)
    for (let end = start + 1; end <= parts.length; end++)
      if (folders.has(parts.slice(start, end).join("/"))) return true;
  return false;
}

/** Returns a name in the form in which texts are read: with one character for each byte. */
function latin1(name: string): string {
  return Buffer.from(name).toString("latin1");
}
