import { lstat, rm } from "node:fs/promises";
import { errorCode } from "../errors.ts";
import { runProgram } from "./program.ts";

/** Errors from folders without permissions, folders still being written to, and names that Node.js cannot handle. */
const STUBBORN = ["EACCES", "EPERM", "ENOTEMPTY", "ENAMETOOLONG", "EBUSY"];

/**
 * Removes a file, or a folder with all its content, even if a program has left folders without permissions, paths longer
 * than the system allows, or names that are not valid UTF-8. A path that does not exist is not an error.
 * @throws if something cannot be removed because it belongs to another user or its disk is read-only.
 */
export async function removeTree(place: string): Promise<void> {
  try {
    await rm(place, { recursive: true, force: true });
  } catch (error) {
    if (errorCode(error) === "ENOTDIR") return; // a path that leads through a file does not exist
    if (!STUBBORN.includes(errorCode(error) ?? "")) throw error;
    await removeByPrograms(place, error);
  }
}

/**
 * Removes a folder with chmod(1) and rm(1), which follow no links and use no long paths; chmod makes a folder accessible
 * before it enters the folder.
 */
async function removeByPrograms(place: string, cause: unknown): Promise<void> {
  if (await isFolder(place)) await execute("chmod", ["-R", "u+rwx", "--", place]); // if this fails, removing may still succeed
  const reason = await execute("rm", ["-rf", "--", place]);
  if (reason !== undefined) throw Object.assign(new Error(reason, { cause }), { code: errorCode(cause) });
}

async function isFolder(place: string): Promise<boolean> {
  return (await lstat(place).catch(() => undefined))?.isDirectory() === true;
}

/** Runs a program, and returns the first line of its error output if it fails. */
async function execute(program: string, args: readonly string[]): Promise<string | undefined> {
  const { exitCode, stderr } = await runProgram(program, args, { env: { ...process.env, LC_ALL: "C" } });
  return exitCode === 0 ? undefined : stderr.trim().split("\n", 1)[0];
}
