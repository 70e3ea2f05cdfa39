import { lstatSync, type Stats } from "node:fs";
import { realpath, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import type { RecordedRun } from "../../model/recorded-runs.ts";
import { openRegularFile } from "../../system/regular-file.ts";
import { isInside } from "../../system/paths.ts";
import type { Study } from "./places.ts";
import { recordFile } from "./records.ts";
import { isUnchanged } from "./replacement.ts";

type Folders = Pick<Study, "directory" | "resultDirectory">;

/**
 * Returns why a file that the record of a run names cannot be handed out; undefined if it can, as far as its path,
 * type and size show. Only regular files in the result directory are handed out, to which no symbolic link leads.
 */
export async function problemOfFile(
  study: Folders,
  record: RecordedRun,
  name: string,
): Promise<string | undefined> {
  const found = await findFile(study, record, name);
  return "problem" in found ? found.problem : undefined;
}

/**
 * Opens a file that the record of a run names, with its content as the run has written it.
 * @throws {UserError} if it cannot be handed out, as `problemOfFile`, or it has changed since it was collected.
 */
export async function openRecordedFile(
  study: Folders,
  record: RecordedRun,
  name: string,
): Promise<FileHandle> {
  const found = await findFile(study, record, name);
  if ("problem" in found) throw new UserError(`${name}: ${found.problem}`);
  const { file, recorded } = found;
  const handle = await openRegularFile(file);
  if (handle === undefined) throw new UserError(`${name}: it no longer exists`);
  try {
    // a link that has replaced the file, or a folder on the way to it, in the meantime leads to another one
    const [opened, stats] = [await handle.stat(), lstatSync(file, { throwIfNoEntry: false })];
    const isSame = stats?.dev === opened.dev && stats.ino === opened.ino && stats.isFile();
    if (!isSame || (await realpath(file)) !== file) throw new UserError(`${name}: ${LINK}`);
    const writtenAt = lstatSync(recordFile(study.resultDirectory, record), {
      throwIfNoEntry: false,
    })?.mtimeMs;
    if (await isUnchanged(file, stats, recorded, writtenAt ?? 0)) return handle;
    throw new UserError(`${name}: ${CHANGED}`);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

const LINK = "it is a symbolic link, or is behind one";
const CHANGED = "it has changed since the run was collected; another run or program has written it";

type Found =
  | { problem: string }
  /** The file's path without symbolic links. */
  | { file: string; recorded: { sizeBytes: number; sha256: string } };

async function findFile(study: Folders, record: RecordedRun, name: string): Promise<Found> {
  const { supersededBy, files = [] } = record;
  if (supersededBy !== undefined)
    return { problem: `campaign ${supersededBy} has executed the run again, and has replaced its files` };
  const recorded = files.find((file) => file.path === name);
  if (recorded === undefined) return { problem: "it is not among the files of the run" };
  const target = path.resolve(study.directory, name);
  const relative = path.relative(study.resultDirectory, target);
  if (relative === "" || !isInside(study.resultDirectory, target))
    return { problem: `it is outside the result directory, at ${target}` };
  const stats = statsOf(target);
  if (stats === undefined) return { problem: "it no longer exists" };
  if (stats.isSymbolicLink()) return { problem: LINK };
  if (!stats.isFile()) return { problem: "it is not a regular file" };
  const file = path.join(await realpath(study.resultDirectory), relative);
  if ((await realpath(target)) !== file) return { problem: LINK };
  if (stats.size !== recorded.sizeBytes) return { problem: CHANGED };
  return { file, recorded };
}

/** Returns the properties of a file; undefined if it does not exist, or something on the way to it is no folder. */
function statsOf(file: string): Stats | undefined {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined; // a part of the path is a file, a circular link, or not readable
  }
}
