import path from "node:path";
import { isDocument, isProse, kindOf } from "./file-kinds.ts";

/** What the text of a file says of other files. */
export interface TextScan {
  /** Paths that lead upwards, such as `../common/in.xml`. */
  upwards: string[];
  /** Those of preprocessor lines. */
  includedUpwards: string[];
  /** Names of data that code includes: `table.csv`. */
  includedData: string[];
  /** Names of documents, and `docs/` for the folders with them. */
  documents: string[];
  /** The text itself, of a file that describes a build. */
  text?: string;
}

export const NOTHING: TextScan = { upwards: [], includedUpwards: [], includedData: [], documents: [] };

/** What ends a path in any of the languages. */
const BOUNDARY = new Set(" \t\r\n\"'`<>()=,;:|&{}[]");
const LONGEST_PATH = 4096;

/** Finds in a text what may be a path or a name of other files; too much rather than too little. */
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

/** In scripts, a `..` between blanks or brackets is a folder. */
function isScript(file: string): boolean {
  return kindOf(file) === "build" || /\.(?:py|sh|bash)$/i.test(file) || path.posix.extname(file) === "";
}

const UPWARDS = /\.\.(?:[/\\]|(?=["'`;:]|[ \t]*(?:\r?\n|$)))/g;
const UPWARDS_IN_SCRIPTS = /\.\.(?:[/\\]|(?=["'`;:)\s&|]|$))/g;

/**
 * The paths in a text with a component `..`, each from where it begins. Ranges (`1..10`), dots (`...`) and a `..` between
 * spaces are none.
 * @param isScript a `..` before a blank or a bracket is one, too.
 */
export function pathsUpwards(text: string, isScript = false): string[] {
  if (!text.includes("..")) return [];
  const found = new Set<string>();
  let end = 0;
  for (const match of text.matchAll(isScript ? UPWARDS_IN_SCRIPTS : UPWARDS)) {
    const before = text[match.index - 1];
    if (match.index < end || (before !== undefined && /[\w.]/.test(before))) continue;
    const start = begin(text, match.index);
    end = finish(text, match.index);
    found.add(text.slice(start, end).replaceAll("\\", "/"));
  }
  return [...found];
}

function begin(text: string, at: number): number {
  let start = at;
  while (start > 0 && at - start < LONGEST_PATH && !BOUNDARY.has(text[start - 1]!)) start--;
  return start;
}

function finish(text: string, at: number): number {
  let end = at;
  while (end < text.length && end - at < LONGEST_PATH && !BOUNDARY.has(text[end]!)) end++;
  return end;
}

/** What preprocessor lines and assembler code name. */
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

/** @param comments what is no comment: what is in quotation marks, or lines that do not begin with `#`. */
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
    const name = path.posix.basename(text.slice(begin(text, index), finish(text, index)));
    if (hint.startsWith(".") || isProse(name) || isDocument(name)) found.add(name);
  }
  return [...found];
}

/** Whether there is a quotation mark before a place, in its line, and one after it. */
function isQuoted(text: string, at: number): boolean {
  const start = text.lastIndexOf("\n", at) + 1;
  const end = text.indexOf("\n", at);
  return text.slice(start, at).includes('"') && text.slice(at, end === -1 ? text.length : end).includes('"');
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
