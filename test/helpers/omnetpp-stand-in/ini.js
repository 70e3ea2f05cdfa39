import { readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { OppError } from "./errors.js";
import { directoryOf, tidy } from "./files.js";

/** @typedef {{ key: string, value: string, base: string }} Entry  `base`: the folder from which a file that it names is meant. */
/** @typedef {{ name: string, entries: Entry[] }} Section  `name` is `General` or what follows `Config`. */

/**
 * Reads ini files into sections, in the order in which they are first named.
 * @param {string[]} files
 * @returns {Section[]}
 */
export function readIniFiles(files) {
  /** @type {Map<string, Section>} */
  const sections = new Map();
  /** @param {string} name */
  const open = (name) => {
    const section = sections.get(name) ?? { name, entries: [] };
    sections.set(name, section);
    return section;
  };
  /** @param {string} file @param {Section | undefined} current */
  const read = (file, current) => {
    let section = current;
    const base = directoryOf(tidy(path.resolve(process.cwd(), file)));
    for (const { text, line } of logicalLines(file)) {
      /** @param {string} what */
      const fail = (what) => new OppError(`${what}, '${file}' line ${line}`);
      if (text.startsWith("[")) {
        const heading = /^\[\s*(?:Config\s+)?([^\]]*?)\s*\]$/.exec(text);
        if (!heading) throw fail("Syntax error in section heading");
        section = open(heading[1] ?? "");
        continue;
      }
      const include = /^include\s+(.*)$/.exec(text);
      if (include?.[1] !== undefined && !text.includes("=")) {
        read(path.join(path.dirname(file), include[1]), section);
        continue;
      }
      const equals = text.indexOf("=");
      if (equals < 0) throw fail("Syntax error: missing '='");
      section ??= open("General");
      section.entries.push({
        key: text.slice(0, equals).trim(),
        value: text.slice(equals + 1).trim(),
        base,
      });
    }
  };
  for (const file of files) read(file, undefined);
  return [...sections.values()];
}

/** @param {string} file */
function readText(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new OppError(`Cannot open ini file '${file}'`);
  }
}

/**
 * Lines without comments; a line that ends in a backslash, or whose successor is indented, goes on there.
 * @param {string} file
 */
function logicalLines(file) {
  /** @type {{ text: string, line: number }[]} */
  const lines = [];
  let continued = false;
  readText(file)
    .split(/\r?\n/)
    .forEach((raw, index) => {
      const text = withoutComment(raw).trimEnd();
      const last = lines.at(-1);
      const goesOn = text.endsWith("\\");
      const content = (goesOn ? text.slice(0, -1) : text).trim();
      if (last && (continued || (/^\s/.test(raw) && content !== ""))) last.text += ` ${content}`;
      else if (content !== "") lines.push({ text: content, line: index + 1 });
      continued = goesOn;
    });
  return lines;
}

/** @param {string} text */
function withoutComment(text) {
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === "\\" && quoted) index++;
    else if (character === '"') quoted = !quoted;
    else if (character === "#" && !quoted) return text.slice(0, index);
  }
  return text;
}
