import path from "node:path";
import { readIniFiles } from "./ini-files.ts";
import { OUTPUT_OPTIONS, type OutputOption } from "./output-options.ts";

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
  const having = new Map<OutputOption, string[]>();
  const files = await readIniFiles(study, inis);
  for (const { file, text } of files)
    for (const option of OUTPUT_OPTIONS)
      if (new RegExp(`^\\s*(?:\\S*\\.)?${option}\\s*=`, "m").test(text))
        having.set(option, [...new Set([...(having.get(option) ?? []), path.dirname(file)])]);
  return { all: [...new Set(files.map(({ file }) => path.dirname(file)))], having };
}
