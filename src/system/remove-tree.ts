import { lstat, rm } from "node:fs/promises";
import { errorCode } from "../errors.ts";
import { runProgram } from "./program.ts";

/** What tells of folders that a program has closed, or goes on writing to, and of names that Node.js cannot handle. */
const STUBBORN = ["EACCES", "EPERM", "ENOTEMPTY", "ENAMETOOLONG", "EBUSY"];

/**
 * Removes a folder with all that is in it, or a file, whatever a program has left there: folders closed by their mode,
 * paths that are longer than the system allows, names that are not UTF-8. What is not there is no error.
 * @throws where something cannot be removed: it belongs to another user, or its disk is read-only.
 */
export async function removeTree(place: string): Promise<void> {
  try {
    await rm(place, { recursive: true, force: true });
  } catch (error) {
    if (errorCode(error) === "ENOTDIR") return; // a path that leads through a file has nothing of ours
    if (!STUBBORN.includes(errorCode(error) ?? "")) throw error;
    await removeByPrograms(place, error);
  }
}

/** chmod(1) opens a folder before it goes on with what is in it; both follow no links and never name a whole path. */
async function removeByPrograms(place: string, cause: unknown): Promise<void> {
  if (await isFolder(place)) await execute("chmod", ["-R", "u+rwx", "--", place]); // what it cannot change may be removable
  const reason = await execute("rm", ["-rf", "--", place]);
  if (reason !== undefined) throw Object.assign(new Error(reason, { cause }), { code: errorCode(cause) });
}

async function isFolder(place: string): Promise<boolean> {
  return (await lstat(place).catch(() => undefined))?.isDirectory() === true;
}

/** @returns what it says where it fails. */
async function execute(program: string, args: readonly string[]): Promise<string | undefined> {
  const { exitCode, stderr } = await runProgram(program, args, { env: { ...process.env, LC_ALL: "C" } });
  return exitCode === 0 ? undefined : stderr.trim().split("\n", 1)[0];
}
