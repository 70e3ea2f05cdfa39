import path from "node:path";
import { readTextIfExists } from "../system/files.ts";
import { DEFAULT_INI } from "./named-files.ts";

const INCLUDE = /^\s*include\s+(\S.*?)\s*$/gm;

/** An ini file with its absolute path and its text, which is empty if the file is missing. */
export interface IniFile {
  file: string;
  text: string;
}

/**
 * Reads the ini files of a simulation, including included
 * files, each once. Only the simulator interprets them.
 * @param inis as given with `-f`; empty for `omnetpp.ini`.
 * @see OMNeT++ Simulation Manual, "Ini File Syntax", "File Inclusion".
 */
export async function readIniFiles(study: string, inis: readonly string[]): Promise<IniFile[]> {
  const found = new Map<string, string>();
  const waiting = (inis.length > 0 ? inis : [DEFAULT_INI]).map((file) => path.resolve(study, file));
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    if (found.has(file)) continue;
    const text = (await readTextIfExists(file)) ?? "";
    found.set(file, text);
    for (const [, included] of text.matchAll(INCLUDE))
      waiting.push(path.resolve(path.dirname(file), included!));
  }
  return [...found].map(([file, text]) => ({ file, text }));
}
