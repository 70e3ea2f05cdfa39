import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { makeFolders, removeLeftovers, statIfThere } from "../../system/files.ts";
import { cacheDirectory } from "../../system/paths.ts";
import { makeTemporaryFolder } from "../../system/temporary-folder.ts";
import type { Checkout } from "./git.ts";

/** A git directory of ours, through which repositories are read and in which new objects are stored. */
export interface Scratch {
  scratch: string;
  objects: string;
  /** A hash of the repository that is read, which tells whether it uses SHA-1 or SHA-256. */
  like: string;
}

/** A work tree takes seconds to read; a folder that is older was left by a process that was killed. */
const LEFTOVER_AGE_MS = 3600_000;

/**
 * Creates a git directory through which the objects of a checkout can be read, and nothing of its configuration.
 * @param like a hash of the repository.
 */
export async function makeScratch(
  { shallowFile }: Pick<Checkout, "shallowFile">,
  like: string,
): Promise<Scratch & AsyncDisposable> {
  const parent = path.join(cacheDirectory(), "work-trees");
  await makeFolders(parent, 0o700);
  await removeLeftovers(parent, LEFTOVER_AGE_MS);
  const { path: scratch, [Symbol.asyncDispose]: dispose } = await makeTemporaryFolder("git", parent);
  makeGitDirectory(scratch, like);
  if (await statIfThere(shallowFile)) copyFileSync(shallowFile, path.join(scratch, "shallow"));
  return { scratch, objects: path.join(scratch, "objects"), like, [Symbol.asyncDispose]: dispose };
}

/** The file's bytes, its mode and its links are those of the disk, whatever the platform's defaults are. */
const CONFIG = `[core]
	repositoryFormatVersion = 1
	bare = false
	fileMode = true
	symlinks = true
	autocrlf = false
	safecrlf = false
	attributesFile = /dev/null
	hooksPath = /dev/null
	fsmonitor = false
	untrackedCache = false
	splitIndex = false
	sparseCheckout = false
[gc]
	auto = 0
[maintenance]
	auto = false
`;

/** These come before the attributes that a project's own files give. @see gitattributes(5). */
const ATTRIBUTES = "* -text -eol -crlf -ident -filter -working-tree-encoding\n";

/** Writes what makes an empty folder a git directory; its configuration and attributes convert no file. */
export function makeGitDirectory(directory: string, like: string): void {
  for (const folder of ["objects/info", "objects/pack", "refs", "info"])
    mkdirSync(path.join(directory, folder), { recursive: true });
  const format = like.length === 64 ? "[extensions]\n\tobjectFormat = sha256\n" : "";
  const mac =
    process.platform === "darwin" ? "[core]\n\tignoreCase = true\n\tprecomposeUnicode = true\n" : "";
  writeFileSync(path.join(directory, "config"), CONFIG + mac + format);
  writeFileSync(path.join(directory, "info/attributes"), ATTRIBUTES);
  writeFileSync(path.join(directory, "HEAD"), "ref: refs/heads/none\n");
}

/** For git processes that use a git directory of ours and see the objects of repositories besides its own. */
export function readingEnvironment(gitDirectory: string, alternates: readonly string[]): NodeJS.ProcessEnv {
  return {
    GIT_DIR: gitDirectory,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: joinPaths(alternates),
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
  };
}

/**
 * For git processes that write objects. They see no repository: where git is to write an object that it finds,
 * it gives the file that has it a new time instead, also in a repository that it only reads.
 * @see git's object-file.c, write_object_file and freshen_file.
 */
export function writingEnvironment(gitDirectory: string): NodeJS.ProcessEnv {
  return readingEnvironment(gitDirectory, []);
}

/** @see git(1) GIT_ALTERNATE_OBJECT_DIRECTORIES: paths with a colon stand in double quotes. */
function joinPaths(directories: readonly string[]): string {
  const quoted = [...new Set(directories)].map((directory) =>
    /[:"\\]/.test(directory) ? JSON.stringify(directory) : directory,
  );
  return quoted.join(":");
}
