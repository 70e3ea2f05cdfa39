import path from "node:path";
import { isReadByCompilers } from "./code-files.ts";

/** Who reads a file, according to its name. */
export type FileKind =
  /** Compilers. */
  | "code"
  /** Build tools: make, CMake, `configure`, OMNeT++'s IDE. */
  | "build"
  /** Builds only read it if their scripts name it. */
  | "data"
  /** Unknown. */
  | "other";

const BUILD_NAMES = new Set(
  (
    ".oppbuildspec .oppfeatures .oppfeaturestate .nedexclusions .project cmakelists.txt cmakepresets.json sconstruct sconscript " +
    "wscript meson.build meson_options.txt meson.options conanfile.txt conanfile.py vcpkg.json build.ninja"
  ).split(" "),
);
const BUILD_EXTENSIONS = new Set(".mk .mak .make .ac .am .m4 .in .cmake .pri .pro .vcxproj".split(" "));
const BUILD_STARTS = /^(?:gnu)?makefile|^makefrag|^configure/;

const DATA = new Set(
  (
    ".ini .ned .anf .sca .vec .vci .elog .sna .xml .xsd .dtd .json .yaml .yml .toml .cfg .conf .txt .csv .tsv .dat .log .trace " +
    ".md .markdown .rst .adoc .tex .bib .cls .sty .html .htm .css .js .pdf .ps .eps .doc .docx .odt .xls .xlsx .ods .ppt .pptx " +
    ".png .svg .jpg .jpeg .gif .bmp .ico .webp .drawio .dia .vsd .mkv .mp4 .avi .webm .wav .mp3 .pcap .pcapng .zip .gz .bz2 .xz .tgz " +
    ".zst .7z .py .ipynb .r .rmd .sh .bash .gp .gnuplot .plt .mat .npy .npz .pkl .parquet .sqlite .db .launch .opp .geojson .gpx .kml .osm"
  ).split(" "),
);
/**
 * Files that git, editors, IDEs and the simulator itself keep
 * next to sources: hidden files and folders, and backups.
 */
const OF_TOOLS =
  /(?:^|\/)\.|~$|\.(?:bak|orig|rej|swp|swo|tmp|patch|diff)$|(?:^|\/)(?:swarm\.json|thumbs\.db)$/i;

const known = new Map<string, FileKind>();

/** Returns who may read a file, according to its name and its folders. */
export function kindOf(file: string): FileKind {
  const kind = known.get(file) ?? findKind(file);
  known.set(file, kind); // cached, because it is queried several times for each file
  return kind;
}

function findKind(file: string): FileKind {
  const name = path.posix.basename(file).toLowerCase();
  const extension = path.posix.extname(name);
  if (BUILD_NAMES.has(name) || BUILD_STARTS.test(name)) return "build";
  if (isReadByCompilers(name)) return "code";
  if (BUILD_EXTENSIONS.has(extension)) return "build";
  return DATA.has(extension) || OF_TOOLS.test(file) || isProse(file) ? "data" : "other";
}

const PROSE =
  /^(?:readme|licen[cs]e|copying|changelog|changes|authors|contributors|contributing|credits|news|todo|install|thanks|whatsnew|citation|code_of_conduct|security|maintainers|acknowledge?ments)(?:[_-][\w-]*)?(?:\.(?:md|markdown|rst|adoc|txt|html?|pdf|cff))?$/i;

/**
 * Returns whether a file is text for people, according to its name: `README`, `LICENSE-INET`, `CHANGELOG.md`.
 */
export function isProse(file: string): boolean {
  return PROSE.test(path.posix.basename(file)) && !isReadByCompilers(file);
}

const DOCUMENTS = new Set(".md .markdown .rst .adoc .pdf .tex .bib .docx .doc .odt .pptx .ppt".split(" "));
const DOCUMENT_FOLDERS = /^(?:.*\/)?docs?\//;

/**
 * Returns whether a file is documentation, according to its
 * name or folder. Runs read it only if something names it.
 */
export function isDocument(file: string): boolean {
  if (isProse(file) || DOCUMENTS.has(path.posix.extname(file).toLowerCase())) return true;
  return DOCUMENT_FOLDERS.test(file);
}

const OPAQUE = new Set(
  (
    ".pdf .ps .eps .doc .docx .odt .xls .xlsx .ods .ppt .pptx .png .jpg .jpeg .gif .bmp .ico .webp .mkv .mp4 .avi .webm .wav .mp3 .pcap " +
    ".pcapng .zip .gz .bz2 .xz .tgz .zst .7z .mat .npy .npz .pkl .parquet .sqlite .db .vsd .o .a .so .dylib .dll .exe .class .jar .sca .vec .vci .elog"
  ).split(" "),
);

/** Returns whether a file contains no text that could name other files. */
export function isOpaque(file: string): boolean {
  return OPAQUE.has(path.posix.extname(file).toLowerCase());
}

const NAMING_NOTHING =
  /(?:^|\/)(?:\.git\w+|\.\w+ignore|\.c?project|\.clang[\w-]*|\.editorconfig|\.\w+\.yml|swarm\.json)$|(?:^|\/)\.(?:github|gitlab|circleci|vscode|idea|settings|devcontainer)\//i;

/** Returns whether a file may contain paths that a run follows; files of git, editors and builds do not. */
export function namesFilesToRuns(file: string): boolean {
  return kindOf(file) !== "build" && !NAMING_NOTHING.test(file);
}

/** Returns whether a file is code or describes a build. */
export function describesBuild(file: string): boolean {
  return ["code", "build"].includes(kindOf(file));
}
