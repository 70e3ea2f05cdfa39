import { open } from "node:fs/promises";
import path from "node:path";
import { errorCode } from "../../errors.ts";
import { isGeneratedCode } from "../../omnetpp/generated-code.ts";
import { makemakeCommand } from "../../omnetpp/makemake.ts";
import { isRecorded } from "../../omnetpp/result-files.ts";
import { statIfThere } from "../../system/files.ts";
import { isMakefile } from "./makefiles.ts";

const BINARIES = [".o", ".so", ".dylib", ".a"];
const FOLDERS = ["results", "out", "node_modules", ".swarm"];

/**
 * True for the names of untracked files that a build or a run makes. A project without a `.gitignore` has them
 * lying about; shipped, they would make every campaign's source another one, and pass for up to date.
 * @param isThere whether another file is in the same tree; without it only the name of the file counts.
 */
export function isGenerated(file: string, isThere: (file: string) => boolean = () => true): boolean {
  const { dir, name, ext } = path.posix.parse(file);
  if (dir.split("/").some((folder) => FOLDERS.includes(folder))) return true;
  if (isRecorded(file) || BINARIES.includes(ext)) return true;
  return name.startsWith(".swarm-tmp-") || isGeneratedCode(file, isThere);
}

/** The builder has opp_makemake write it again, for its own OMNeT++. */
export async function isMadeByMakemake(file: string): Promise<boolean> {
  if (!isMakefile(file) || (await statIfThere(file))?.isFile() !== true) return false;
  try {
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
    return makemakeCommand(buffer.toString("utf8", 0, bytesRead)) !== undefined;
  } catch (error) {
    if (errorCode(error) === "EACCES") return false; // reported where the file is read
    throw error;
  }
}
