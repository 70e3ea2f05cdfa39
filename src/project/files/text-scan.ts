import path from "node:path";
import { isDocument, isProse, kindOf } from "./file-kinds.ts";

/** What the text of a file says about other files. */
export interface TextScan {
  /** Paths that lead upwards, such as `../common/in.xml`. */
  upwards: string[];
  /** Paths in preprocessor lines that lead upwards. */
  includedUpwards: string[];
  /** Names of data files that code includes: `table.csv`. */
  includedData: string[];
  /** Names of documents, and `docs/` for folders of documents. */
  documents: string[];
  /** The text itself, if the file describes a build. */
  text?: string;
}

export const NOTHING: TextScan = { upwards: [], includedUpwards: [], includedData: [], documents: [] };

/** Characters that end a path in any of the languages. */
const BOUNDARY = new Set(" \t\r\n\"'`<>()=,;:|&{}[]");
const LONGEST_PATH = 4096;

/** Returns whatever in a text may be a path or a name of another file; in doubt, it is included. */
export function scanText(text: string, file: string): TextScan {
  const isCode = kindOf(file) === "code";
  const extension = path.posix.extname(file).toLowerCase();
  const comments = isCode || extension === ".ned" ? "quoted" : extension === ".ini" ? "lines" : "none";
  const upwards = pathsUpwards(text, isScript(file));
  const documents = documentsIn(text, comments);
  const included = isCode ? includesIn(text) : [];
  return {
    upwards,
    includedUpwards: upwards.length === 0 ? [] : pathsUpwards(included.map((each) => `"${each}"`).join("\n")),
    includedData: unique(
      included.map((each) => path.posix.basename(each)).filter((name) => kindOf(name) === "data"),
    ),
    documents,
    ...(kindOf(file) === "build" && { text }),
  };
}

/** Returns whether a file is a script, in which a `..` between blanks or brackets is a folder. */
function isScript(file: string): boolean {
  return kindOf(file) === "build" || /\.(?:py|sh|bash)$/i.test(file) || path.posix.extname(file) === "";
}

const UPWARDS = /\.\.(?:[/\\]|(?=["'`;:]|[ \t]*(?:\r?\n|$)))/g;
const UPWARDS_IN_SCRIPTS = /\.\.(?:[/\\]|(?=["'`;:)\s&|]|$))/g;

/**
 * Returns the paths in a text that contain a component `..`,
 * without ranges (`1..10`), dots (`...`) and a `..` between blanks.
 * @param isScript a `..` before a blank or a bracket counts, too.
 */
export function pathsUpwards(text: string, isScript = false): string[] {
  if (!text.includes("..")) return [];
  const found = new Set<string>();
  let end = 0;
  for (const match of text.matchAll(isScript ? UPWARDS_IN_SCRIPTS : UPWARDS)) {
    const before = text[match.index - 1];
    if (match.index < end || (before !== undefined && /[\w.]/.test(before))) continue;
    const start = pathStart(text, match.index);
    end = pathEnd(text, match.index);
    found.add(text.slice(start, end).replaceAll("\\", "/"));
  }
  return [...found];
}

function pathStart(text: string, position: number): number {
  let start = position;
  while (start > 0 && position - start < LONGEST_PATH && !BOUNDARY.has(text[start - 1]!)) start--;
  return start;
}

function pathEnd(text: string, position: number): number {
  let end = position;
  while (end < text.length && end - position < LONGEST_PATH && !BOUNDARY.has(text[end]!)) end++;
  return end;
}

/** Returns the files that preprocessor lines and assembler code include. */
function includesIn(text: string): string[] {
  const found: string[] = [];
  for (const [line] of text.matchAll(/^[ \t]*(?:#|%:|\?\?=)(?:[^\n\\]|\\[^])*/gm))
    for (const [, quoted, bracketed] of line.matchAll(/"([^"\n]*)"|<([^<>\n]*)>/g))
      found.push(quoted ?? bracketed!);
  if (text.includes("incbin"))
    for (const [, name] of text.matchAll(/incbin[\s\\(]*"([^"\\\n]*)/g)) found.push(name!);
  return unique(found);
}

const DOCUMENT_HINT =
  /\.(?:md|markdown|rst|adoc|pdf|tex|bib|docx?|odt|pptx?)(?![\w.])|(?<![\w.-])docs?(?=["'/])|(?<![a-z])(?:readme|licen[cs]e|copying|changelog|changes|authors|contribut|credits|news|todo|install|thanks|whatsnew|citation|code_of_conduct|security|maintainers|acknowledge?ments)/gi;

/**
 * Returns the names of documents in a text.
 * @param comments how to recognise text that is not a comment: it
 *   is in quotation marks, or in lines that do not begin with `#`.
 */
function documentsIn(whole: string, comments: "quoted" | "lines" | "none"): string[] {
  const found = new Set<string>();
  const text = comments === "quoted" ? (whole.match(/^.*".*$/gm) ?? []).join("\n") : whole;
  for (const { 0: hint, index } of text.matchAll(DOCUMENT_HINT)) {
    if (comments === "quoted" && !isQuoted(text, index)) continue;
    if (comments === "lines" && /^\s*#/.test(text.slice(text.lastIndexOf("\n", index) + 1, index))) continue;
    if (/^docs?$/i.test(hint)) {
      found.add("docs/");
      continue;
    }
    const name = path.posix.basename(text.slice(pathStart(text, index), pathEnd(text, index)));
    if (hint.startsWith(".") || isProse(name) || isDocument(name)) found.add(name);
  }
  return [...found];
}

/** Returns whether there are quotation marks before and after a position in its line. */
function isQuoted(text: string, position: number): boolean {
  const start = text.lastIndexOf("\n", position) + 1;
  const end = text.indexOf("\n", position);
  return (
    text.slice(start, position).includes('"') &&
    text.slice(position, end === -1 ? text.length : end).includes('"')
  );
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
