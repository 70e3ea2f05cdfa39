import path from "node:path";
import type { Code } from "../git/code.ts";
import { isGeneratedCode, isInObjectFolder } from "../../omnetpp/generated-code.ts";
import { LINK } from "../git/disk.ts";
import { isDocument, namesFilesToRuns } from "../files/file-kinds.ts";
import type { TreeEntry } from "../git/git.ts";
import { isRelated, isUnder, leadsOf, Places, type Lead } from "./leads.ts";
import { scanCode, type FileScan } from "./scan-files.ts";
import { sourcesHash } from "./sources.ts";
import { scanText, type TextScan } from "../files/text-scan.ts";

// The rule, as docs/builds.md describes it for users: runs can read every file of a source, except documents
// that nothing names, and other projects in the same repository that nothing refers to. In doubt, a file
// counts.

export interface RunSourcesQuestion {
  /** The code of the study and of the projects that its project needs. */
  codes: readonly Code[];
  /** Absolute paths of the study, the projects, their NED folders, and all that the command line names. */
  folders: readonly string[];
  /** Other texts that runs get: arguments, the configuration, environment variables. */
  texts: readonly string[];
}

/** The files of a campaign's sources that its runs can read. */
export interface RunSources {
  /** @param file is or was part of the code. */
  canRead: (code: Pick<Code, "checkout">, file: string) => boolean;
  /** Hash over the names and contents of those files. */
  hashOf: (code: Pick<Code, "checkout" | "entries">) => string;
}

/** Files that mark a folder as a separate project. */
const PROJECT_FILE = /(?:^|\/)(?:\.oppbuildspec|\.project|\.nedfolders|swarm\.json|[^/]+\.opp)$/;

/** Returns which files of a campaign's sources its runs can read. */
export async function findRunSources({ codes, folders, texts }: RunSourcesQuestion): Promise<RunSources> {
  const all = [...new Set(codes)];
  const scans = await Promise.all(all.map((code) => scanCode(code)));
  const textScans = texts.map((text) => scanText(text, "arguments.txt"));
  const followed = scans.flatMap((each) => each.files).filter(({ entry }) => isFollowed(entry));
  const isNamed = namedDocuments(followed, textScans);
  const files = followed.filter(({ entry }) => !isDocument(entry.path) || isNamed(entry.path));
  // a file that is too large to be scanned, or contains the checkout's absolute path, may name any file
  const isUnknown =
    scans.some(({ unread }) => unread.length > 0) ||
    files.some(({ namesTop }) => namesTop) ||
    all.some(({ checkout }) => texts.some((text) => text.includes(checkout.top)));
  if (isUnknown) return { canRead: () => true, hashOf: (code) => sourcesHash(code.entries) };
  const upwards = textScans.flatMap((scan) => scan.upwards);
  const foreign = new Map(
    all.map((code) => [code.checkout.top, foreignProjects(code, files, upwards, folders)] as const),
  );
  const paths = new Map(
    all.map(({ checkout, entries }) => [checkout.top, new Set(entries.map((entry) => entry.path))] as const),
  );
  const canRead: RunSources["canRead"] = ({ checkout: { top } }, file) => {
    if (foreign.get(top)?.some((folder) => isUnder(folder, file)) === true) return false;
    if (isInObjectFolder(file) || isGeneratedCode(file, (each) => paths.get(top)?.has(each) === true))
      return false; // only builds read these files
    if (!isDocument(file) || /\.(?:ned|ini)$/i.test(file) || isNamed(file)) return true;
    return folders.some(
      (folder) => isInDocuments(path.relative(top, folder)) && !isDocument(path.posix.basename(file)),
    );
  };
  return {
    canRead,
    hashOf: (code) =>
      sourcesHash(code.entries.filter((entry) => entry.mode === LINK || canRead(code, entry.path))),
  };
}

function isFollowed({ mode, path: file }: TreeEntry): boolean {
  return mode === LINK || namesFilesToRuns(file);
}

/**
 * Returns whether a folder, such as a study's, is in a
 * folder named `docs`: files in it need not be documents.
 */
function isInDocuments(folder: string): boolean {
  return !folder.startsWith("..") && /(?:^|\/)docs?(?:\/|$)/i.test(folder);
}

/**
 * Returns a function that reports whether a document is named: by its name, the
 * beginning or the end of its name, its extension, or its folder; in the text
 * of a file that is not a document, or of a document that is itself named.
 */
function namedDocuments(
  files: readonly FileScan[],
  textScans: readonly Pick<TextScan, "documents">[],
): (file: string) => boolean {
  let left = files.filter(({ documents }) => documents.length > 0);
  const names = new Set(textScans.flatMap(({ documents }) => documents.map(nameOf)));
  const isNamed = (file: string): boolean => {
    const base = Buffer.from(path.posix.basename(file)).toString("latin1").toLowerCase();
    if (names.has("docs/") && !isDocument(path.posix.basename(file))) return true;
    return [...names].some((name) => base.endsWith(name) || (!name.includes(".") && base.startsWith(name)));
  };
  for (;;) {
    const read = left.filter(({ entry }) => !isDocument(entry.path) || isNamed(entry.path));
    if (read.length === 0) return isNamed;
    for (const { documents } of read) for (const name of documents) names.add(nameOf(name));
    const isRead = new Set(read);
    left = left.filter((scan) => !isRead.has(scan));
  }
}

/** Returns the known part of a name, which follows the last wildcard or variable. */
function nameOf(name: string): string {
  return name.toLowerCase().replace(/^.*[*?%$#@](?=.)/s, "");
}

/**
 * Returns the folders of projects in a checkout that runs cannot read, because nothing refers to them.
 * @param namedPaths paths in the command line and the configuration.
 * @param needed absolute folders.
 */
function foreignProjects(
  { entries, checkout: { top } }: Code,
  scans: readonly FileScan[],
  namedPaths: readonly string[],
  needed: readonly string[],
): string[] {
  const own = needed.map((folder) => path.relative(top, folder)).filter((folder) => !folder.startsWith(".."));
  const projects = entries.filter(({ path: file }) => PROJECT_FILE.test(file)).map(folderOf);
  let foreign = [...new Set(projects)].filter((folder) => !own.some((each) => isRelated(each, folder)));
  if (foreign.length === 0) return foreign;
  const places = new Places(entries);
  const ofCode = new Set(entries);
  const known = new Map<string, boolean>();
  const mayLead = (text: string, bases: readonly string[], folder: string): boolean => {
    const directory = path.posix.dirname(text);
    const key = [folder, directory, ...bases].join("\0");
    const found = known.get(key) ?? leadsTo(directory, bases, folder, places, top);
    known.set(key, found);
    return found || path.posix.basename(text) === path.posix.basename(folder);
  };
  const leading = scans.filter(({ upwards }) => upwards.length > 0);
  for (;;) {
    const isForeign = ({ entry }: FileScan): boolean =>
      ofCode.has(entry) && foreign.some((folder) => isUnder(folder, entry.path));
    const read = leading.filter((scan) => !isForeign(scan));
    const left = foreign.filter((folder) => {
      const isLedTo = (paths: readonly string[], bases: readonly string[]): boolean =>
        paths.some((each) => mayLead(each, bases, folder) && leadsTo(each, bases, folder, places, top));
      return (
        !isLedTo(namedPaths, own) &&
        !read.some((scan) => isLedTo(scan.upwards, [...own, folderOf(scan.entry)]))
      );
    });
    if (left.length === foreign.length) return left;
    foreign = left; // files of the other projects may refer to further ones
  }
}

/**
 * Returns whether a path may lead into a folder or to one
 * of its parents; the folder's name in the path is enough.
 */
function leadsTo(
  text: string,
  bases: readonly string[],
  folder: string,
  places: Places,
  top: string,
): boolean {
  const name = Buffer.from(path.posix.basename(folder)).toString("latin1");
  const nameStart = name.split(/[\s"'`<>()=,;:|&{}[\]]/)[0]!; // a path in a text ends at these characters
  if (text.split("/").some((part) => part === name || (nameStart !== name && part === nameStart)))
    return true;
  return leadsOf(text, bases, top).some(
    (lead: Lead) => isUnder(folder, lead.place) || places.reaches(lead, folder),
  );
}

function folderOf({ path: file }: Pick<TreeEntry, "path">): string {
  const folder = path.posix.dirname(file);
  return folder === "." ? "" : folder;
}
