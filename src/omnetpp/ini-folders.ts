import path from "node:path";
import { readIniFiles } from "./ini-files.ts";
import { OUTPUT_OPTIONS, type OutputOption } from "./output-options.ts";

export interface IniFolders {
  /**
   * Folders of all ini files, including included files, without
   * duplicates. The first one is that of the first ini file.
   */
  all: string[];
  /** Folders of the ini files that set an output option, in the order in which the files are read. */
  having: ReadonlyMap<OutputOption, string[]>;
}

/**
 * Returns the folders of the ini files that a simulation reads: a file name in an ini file is relative to its
 * folder. Only the simulator interprets the options; here, only their files are found.
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
