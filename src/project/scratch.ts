import { mkdir, mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { removeLeftovers } from "../system/files.ts";
import { cacheDirectory } from "../system/paths.ts";

/** Where new objects of a repository go that is only read. */
export interface Scratch {
  scratch: string;
  objects: string;
}

/** A work tree takes seconds to read; a folder that is older was left by a process that was killed. */
const LEFTOVER_AGE_MS = 3600_000;

export async function makeScratch(): Promise<Scratch & AsyncDisposable> {
  const parent = path.join(cacheDirectory(), "work-trees");
  await mkdir(parent, { recursive: true, mode: 0o700 });
  await removeLeftovers(parent, LEFTOVER_AGE_MS);
  const scratch = await mkdtemp(path.join(parent, ".swarm-tmp-"));
  const objects = path.join(scratch, "objects");
  await mkdir(path.join(objects, "info"), { recursive: true });
  await mkdir(path.join(objects, "pack"));
  const dispose = (): Promise<void> => rm(scratch, { recursive: true, force: true });
  return { scratch, objects, [Symbol.asyncDispose]: dispose };
}

/** For git processes that see the objects of repositories beside those of a scratch directory, and write none. */
export function readingEnvironment(objects: string, alternates: readonly string[]): NodeJS.ProcessEnv {
  return { GIT_OBJECT_DIRECTORY: objects, GIT_ALTERNATE_OBJECT_DIRECTORIES: joinPaths(alternates) };
}

/**
 * For git processes that write objects. They see no repository: where git is to write an object that it finds,
 * it gives the file that has it a new time instead, also in a repository that it only reads.
 * @see git's object-file.c, write_object_file and freshen_file.
 */
export function writingEnvironment(objects: string): NodeJS.ProcessEnv {
  return readingEnvironment(objects, []);
}

/** @see git(1) GIT_ALTERNATE_OBJECT_DIRECTORIES: paths with a colon stand in double quotes. */
function joinPaths(directories: readonly string[]): string {
  const quoted = [...new Set(directories)].map((directory) =>
    /[:"\\]/.test(directory) ? JSON.stringify(directory) : directory,
  );
  return quoted.join(":");
}
