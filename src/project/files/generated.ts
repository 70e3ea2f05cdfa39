import { open } from "node:fs/promises";
import path from "node:path";
import { errorCode } from "../../errors.ts";
import { isGeneratedCode } from "../../omnetpp/generated-code.ts";
import { makemakeCommand } from "../../omnetpp/makemake.ts";
import { isRecorded } from "../../omnetpp/result-files.ts";
import { lstatIfExists } from "../../system/files.ts";
import { isMakefile } from "./makefiles.ts";

const BINARIES = [".o", ".so", ".dylib", ".a"];
const FOLDERS = ["results", "out", "node_modules", ".swarm"];

/**
 * Returns whether an untracked file is produced by builds or runs, according to its name. Without a
 * `.gitignore`, such files are among the untracked ones; if they were sent, each campaign would have a
 * different source, and make would take old object files for up to date.
 * @param isThere whether another file exists in the same tree; by default, only the file's own name counts.
 */
export function isGenerated(file: string, isThere: (file: string) => boolean = () => true): boolean {
  const { dir, name, ext } = path.posix.parse(file);
  if (dir.split("/").some((folder) => FOLDERS.includes(folder))) return true;
  if (isRecorded(file) || BINARIES.includes(ext)) return true;
  return name.startsWith(".swarm-tmp-") || isGeneratedCode(file, isThere);
}

/**
 * Returns whether `opp_makemake` has written a file; on a
 * worker, the builder generates it again for its own OMNeT++.
 */
export async function isMadeByMakemake(file: string): Promise<boolean> {
  if (!isMakefile(file) || (await lstatIfExists(file))?.isFile() !== true) return false;
  try {
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0);
    return makemakeCommand(buffer.toString("utf8", 0, bytesRead)) !== undefined;
  } catch (error) {
    if (errorCode(error) === "EACCES") return false; // reported when the file is read
    throw error;
  }
}
