import path from "node:path";
import { contentOf } from "../system/files.ts";

const INCLUDE = /^\s*include\s+(\S.*?)\s*$/gm;

/**
 * The folders of the ini files that a simulation reads, included ones too, without repetition: names of files in an ini
 * file are relative to its folder. The first is that of the first ini file.
 * @param inis as given with `-f`; empty for `omnetpp.ini`.
 * @see OMNeT++ Simulation Manual, "Ini File Syntax", "File Inclusion".
 */
export async function iniFolders(study: string, inis: readonly string[]): Promise<string[]> {
  const seen = new Set<string>();
  const waiting = (inis.length > 0 ? inis : ["omnetpp.ini"]).map((file) => path.resolve(study, file));
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const folder = path.dirname(file);
    for (const [, included] of ((await contentOf(file)) ?? "").matchAll(INCLUDE))
      waiting.push(path.resolve(folder, included!));
  }
  return [...new Set([...seen].map((file) => path.dirname(file)))];
}
