import path from "node:path";
import { readIniFiles } from "./ini-files.ts";

const OPTION = /^\s*(?:ned-path|load-libs)\s*=\s*([^#\n]*)/gm;

/**
 * Returns the absolute paths of the ini files that a simulation
 * reads, and of the NED folders and libraries that they name.
 * @param inis as given with `-f`; empty for `omnetpp.ini`.
 */
export async function iniPaths(study: string, inis: readonly string[]): Promise<string[]> {
  const files = await readIniFiles(study, inis);
  return files.flatMap(({ file, text }) => {
    const lists = [...text.matchAll(OPTION)].map((match) => match[1]!.replaceAll('"', ""));
    const named = lists
      .flatMap((list) => list.split(/[;:\s]+/))
      .filter((each) => each.includes("/") || each === "..");
    return [file, ...named.map((each) => path.resolve(path.dirname(file), each))];
  });
}
