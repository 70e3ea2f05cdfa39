import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { makeFolders, removeLeftovers, lstatIfExists } from "../../system/files.ts";
import { cacheDirectory } from "../../system/paths.ts";
import { makeTemporaryFolder } from "../../system/temporary-folder.ts";
import type { Checkout } from "./git.ts";

/** A temporary git directory, through which repositories are read and in which new objects are stored. */
export interface Scratch {
  scratch: string;
  objects: string;
  /** A hash of the repository that is read, which determines whether SHA-1 or SHA-256 is used. */
  like: string;
}

/** Reading a work tree takes seconds; an older folder was left behind by a process that was killed. */
const LEFTOVER_AGE_MS = 3600_000;

/**
 * Creates a git directory through which the objects of a checkout can be read, but none of its configuration.
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
  if (await lstatIfExists(shallowFile)) copyFileSync(shallowFile, path.join(scratch, "shallow"));
  return { scratch, objects: path.join(scratch, "objects"), like, [Symbol.asyncDispose]: dispose };
}

/** Bytes, modes and links are those on the disk, whatever the platform's defaults are. */
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

/** These take precedence over the attributes in a project's own files. @see gitattributes(5). */
const ATTRIBUTES = "* -text -eol -crlf -ident -filter -working-tree-encoding\n";

/**
 * Turns an empty folder into a git directory whose configuration and attributes convert no files.
 * @param like a hash that determines whether SHA-1 or SHA-256 is used.
 */
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

/**
 * Returns the environment of git processes that use a separate
 * git directory and also see the objects of other repositories.
 */
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
 * Returns the environment of git processes that write objects. They see no
 * other repository: if git is to write an object that exists, it updates
 * the time of the existing file, even in a repository that is only read.
 * @see git's object-file.c, write_object_file and freshen_file.
 */
export function writingEnvironment(gitDirectory: string): NodeJS.ProcessEnv {
  return readingEnvironment(gitDirectory, []);
}

/**
 * Joins paths with colons; paths that contain a colon are put in double quotes.
 * @see git(1) GIT_ALTERNATE_OBJECT_DIRECTORIES.
 */
function joinPaths(directories: readonly string[]): string {
  const quoted = [...new Set(directories)].map((directory) =>
    /[:"\\]/.test(directory) ? JSON.stringify(directory) : directory,
  );
  return quoted.join(":");
}
