import { existsSync } from "node:fs";
import path from "node:path";
import { lstatIfExists } from "../../system/files.ts";
import { otherFiles } from "./commands/files.ts";
import { Disk, hashFilesOnDisk, hashLink, LINK, modeOf } from "./disk.ts";
import { isInGitDirectory, refuseInvalidNames } from "../files/file-names.ts";
import { isGenerated, isMadeByMakemake } from "../files/generated.ts";
import { unreadableRepository, type TreeEntry } from "./git.ts";
import type { IndexFile } from "./index-entries.ts";
import { readingEnvironment, writingEnvironment } from "./scratch.ts";
import type { UserSettings } from "./user-settings.ts";
import type { Warning } from "./warnings.ts";
import type { Reading } from "./reading.ts";

/**
 * Reads the files that git does not track: those that it does not
 * ignore, and ignored files that the project lists under `ship`.
 * @throws {UserError} for files that cannot be read, and names that are not UTF-8.
 */
export async function readNewFiles(
  reading: Reading,
  index: IndexFile,
  settings: UserSettings,
  signal?: AbortSignal,
): Promise<{ entries: TreeEntry[]; warnings: Warning[] }> {
  const { prefix } = reading;
  const list = lister(reading, index, signal);
  const isWhole = prefix === "";
  const [untracked, shipped] = await Promise.all([
    untrackedFiles(reading, list, settings),
    isWhole ? shippedFiles(reading, list) : { files: [], warnings: [] },
  ]);
  const listed = [...new Set([...untracked.files, ...shipped.files])];
  const files = listed.filter((file) => !isInGitDirectory(file));
  const refused = listed.filter(isInGitDirectory).map((file) => ({
    file: `${prefix}${file}`,
    one: "is not sent: git does not allow this file name",
    many: "files are not sent: git does not allow their names",
  }));
  return {
    entries: await storeFiles(files, reading, signal),
    warnings: [...shipped.warnings, ...untracked.warnings, ...refused],
  };
}

interface Listed {
  files: string[];
  warnings: Warning[];
}

type List = (...args: string[]) => Promise<Listed>;

/**
 * Returns a function that lists the files that are not in
 * the index; a folder that git cannot search is a warning.
 */
function lister(
  { checkout, scratch, alternates, prefix }: Reading,
  index: IndexFile,
  signal?: AbortSignal,
): List {
  const { top } = checkout;
  return async (...args) => {
    const env = { ...readingEnvironment(scratch, alternates), GIT_INDEX_FILE: index.file };
    const explain = unreadableRepository(top);
    const { files, closed } = await otherFiles(args, { cwd: top, env, signal, explain });
    return {
      files,
      warnings: closed.map(({ folder, reason }): Warning => ({
        file: `${prefix}${folder}`,
        one: `cannot be read and is not sent: ${reason}`,
        many: `folders cannot be read and are not sent (${reason})`,
      })),
    };
  };
}

async function untrackedFiles(
  { checkout, prefix, isLeftOut }: Reading,
  list: List,
  { excludeFiles }: UserSettings,
): Promise<Listed> {
  const excluded = excludeFiles.map((file) => `--exclude-from=${file}`);
  const listed = await list("--exclude-per-directory=.gitignore", ...excluded);
  const leftOut = await isLeftOut;
  const isThere = (file: string): boolean => existsSync(path.join(checkout.top, file));
  const candidates = listed.files.filter((file) => !leftOut(prefix + file) && !isGenerated(file, isThere));
  const areGenerated = await Promise.all(
    candidates.map((file) => isMadeByMakemake(path.join(checkout.top, file))),
  );
  const wanted = candidates.filter((_, index) => !areGenerated[index]);
  refuseInvalidNames(wanted);
  const repositories = wanted.filter((file) => file.endsWith("/"));
  return {
    files: wanted.filter((file) => !file.endsWith("/")),
    warnings: [
      ...listed.warnings,
      ...repositories.map((folder) => ({
        file: `${prefix}${folder}`,
        one: "is a separate git repository and is not sent",
        many: "folders are separate git repositories and are not sent",
      })),
    ],
  };
}

async function shippedFiles({ checkout, ship }: Reading, list: List): Promise<Listed> {
  if (ship.length === 0) return { files: [], warnings: [] };
  const found = await Promise.all(ship.map((file) => lstatIfExists(path.join(checkout.top, file))));
  const missing = ship.filter((_, index) => found[index] === undefined);
  const listed = await list("--", ...ship.map((file) => `:(top,literal)${file}`));
  refuseInvalidNames(listed.files);
  return {
    files: listed.files.filter((file) => !file.endsWith("/")),
    warnings: [...missing.map(missingWarning), ...listed.warnings],
  };
}

function missingWarning(file: string): Warning {
  return {
    file,
    one: 'is listed under "ship", but does not exist',
    many: 'files are listed under "ship", but do not exist',
  };
}

/** Stores the contents of files as objects. */
async function storeFiles(
  files: readonly string[],
  { checkout, scratch, objects, like }: Reading,
  signal?: AbortSignal,
): Promise<TreeEntry[]> {
  const disk = new Disk(checkout.top);
  const found = files.flatMap((file) => {
    const stats = disk.stat(file);
    return stats === undefined || stats.isDirectory() ? [] : [{ file, mode: modeOf(stats, file) }];
  });
  const regular = found.filter(({ mode }) => mode !== LINK).map(({ file }) => file);
  const places = regular.map((file) => path.join(checkout.top, file));
  const env = writingEnvironment(scratch);
  const hashes = await hashFilesOnDisk(places, true, { cwd: scratch, env, signal });
  const objectOf = new Map(regular.map((file, at) => [file, hashes[at]!]));
  const entries: TreeEntry[] = [];
  for (const { file, mode } of found) {
    const object = objectOf.get(file) ?? (await hashLink(path.join(checkout.top, file), objects, like));
    entries.push({ mode, object, path: file });
  }
  return entries;
}
