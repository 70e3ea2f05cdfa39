import path from "node:path";
import { contentOf } from "../system/files.ts";
import { OUTPUT_OPTIONS, type OutputOption } from "./output-options.ts";

const INCLUDE = /^\s*include\s+(\S.*?)\s*$/gm;

export interface IniFolders {
  /** Of all ini files, included ones too, without repetition. The first is that of the first ini file. */
  all: string[];
  /** Of those that have an output option, in the order in which they are read. */
  having: ReadonlyMap<OutputOption, string[]>;
}

/**
 * The folders of the ini files that a simulation reads: names of files in an ini file are relative to its folder. What
 * the options mean is for the simulator to say; here only the files are told apart.
 * @param inis as given with `-f`; empty for `omnetpp.ini`.
 * @see OMNeT++ Simulation Manual, "Ini File Syntax", "File Inclusion".
 */
export async function iniFolders(study: string, inis: readonly string[]): Promise<IniFolders> {
  const seen = new Set<string>();
  const having = new Map<OutputOption, string[]>();
  const waiting = (inis.length > 0 ? inis : ["omnetpp.ini"]).map((file) => path.resolve(study, file));
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const folder = path.dirname(file);
    const text = (await contentOf(file)) ?? "";
    for (const option of OUTPUT_OPTIONS)
      if (new RegExp(`^\\s*(?:\\S*\\.)?${option}\\s*=`, "m").test(text))
        having.set(option, [...new Set([...(having.get(option) ?? []), folder])]);
    for (const [, included] of text.matchAll(INCLUDE)) waiting.push(path.resolve(folder, included!));
  }
  return { all: [...new Set([...seen].map((file) => path.dirname(file)))], having };
}
