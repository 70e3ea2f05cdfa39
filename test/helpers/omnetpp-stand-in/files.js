import { Buffer } from "node:buffer";
import { hostname } from "node:os";
import { existsSync, mkdirSync, unlinkSync } from "node:fs";
import process from "node:process";
import { OppError } from "./errors.js";
import { evaluate } from "./expression.js";

/**
 * A path without `.` and without `..` that cancels a folder before it: links are not resolved, like in OMNeT++.
 * @param {string} file
 */
export function tidy(file) {
  const prefix = /^\/{0,2}/.exec(file)?.[0] ?? "";
  /** @type {string[]} */
  const segments = [];
  for (const segment of file.split(/[/\\]+/)) {
    if (segment === "" || segment === ".") continue;
    const before = segments.at(-1);
    if (segment === ".." && before !== undefined && before !== ".." && !before.includes(":")) segments.pop();
    else segments.push(segment);
  }
  return prefix + (segments.length === 0 ? "." : segments.join("/"));
}

/** The folder of a file, `.` if it has none. @param {string} file */
export function directoryOf(file) {
  const slash = file.lastIndexOf("/", file.length - 2);
  return slash <= 0 ? "." : file.slice(0, slash + 1);
}

/** @param {string} base @param {string} value of an option, quoted or not */
export function resolveFile(base, value) {
  const name = unquote(value);
  if (name === "") return "";
  return tidy(name.startsWith("/") ? name : `${base}/${name}`);
}

/** An option's value without quotes: a quoted value is an expression. @param {string} value */
export function unquote(value) {
  return value.startsWith('"') ? String(evaluate(value)) : value;
}

/** `fname-append-host`: `a.sca` becomes `a.HOST.PID.sca`. @param {string} file */
export function withHost(file) {
  const dot = file.lastIndexOf(".");
  const [stem, extension] = dot < 0 ? [file, ""] : [file.slice(0, dot), file.slice(dot)];
  return `${stem}.${hostname()}.${process.pid}${extension}`;
}

/** The index of `a.vec`; a name without a dot has none, so the index is `.vci` in the working directory. @param {string} vectorFile */
export function indexName(vectorFile) {
  return `${vectorFile.slice(0, Math.max(0, vectorFile.lastIndexOf(".")))}.vci`;
}

/** @param {string} value of an iteration variable @returns {string} as it appears in file names, byte by byte */
export function encodeForFileName(value) {
  return Array.from(Buffer.from(value), (byte) => {
    const character = String.fromCharCode(byte);
    if (character === " ") return "_";
    if (character === "_" || character === "#") return `#${character}`;
    if (/[ -~]/.test(character) && !/[/\\:?*<>|'`"$%{}^&]/.test(character)) return character;
    const signed = byte > 127 ? byte - 256 : byte;
    return `#${(signed >>> 0).toString(16).padStart(2, " ")}`;
  }).join("");
}

/** Removes what an earlier run left. @param {string} file @param {string} what it is, for the error */
export function removeOld(file, what) {
  try {
    unlinkSync(file);
  } catch (error) {
    if (codeOf(error) !== "ENOENT")
      throw new OppError(`Cannot remove old ${what} '${file}': ${describe(error)}`);
  }
}

/** @param {string} file */
export function makeDirectoryOf(file) {
  const directory = directoryOf(file);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
  } catch (error) {
    // a file in its place is found when something is opened in it
    if (!existsSync(directory.replace(/\/$/, "")))
      throw new OppError(`Cannot create directory '${directory}': ${describe(error)}`);
  }
}

/**
 * @template T
 * @param {() => T} open
 * @param {string} message of the error, which OMNeT++ does not explain further
 * @returns {T}
 */
export function orFail(open, message) {
  try {
    return open();
  } catch {
    throw new OppError(message);
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** Like strerror. @param {unknown} error */
function describe(error) {
  /** @type {Record<string, string>} */
  const words = {
    EISDIR: "Is a directory",
    EPERM: "Is a directory",
    ENOTDIR: "Not a directory",
    EACCES: "Permission denied",
    EROFS: "Read-only file system",
    ENAMETOOLONG: "File name too long",
  };
  return words[codeOf(error)] ?? codeOf(error);
}
