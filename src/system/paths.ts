import path from "node:path";
import { UserError } from "../errors.ts";
import { homeDirectory } from "./user.ts";

const APPLICATION = "inet-swarm";
const SET_HOME = "set HOME, or XDG_STATE_HOME and XDG_CACHE_HOME, to folders that you can write to";

/**
 * Returns the folder for the state of swarms (state files, logs, the queue's data), which persists across reboots.
 * @see XDG Base Directory Specification 0.8, `XDG_STATE_HOME`.
 */
export function stateDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return path.join(baseDirectory(env, "XDG_STATE_HOME", ".local/state"), APPLICATION);
}

/**
 * Returns the folder for builds and working trees, all of which can be created again.
 * @see XDG Base Directory Specification 0.8, `XDG_CACHE_HOME`.
 */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return path.join(baseDirectory(env, "XDG_CACHE_HOME", ".cache"), APPLICATION);
}

/** Returns the directory in a variable, or the fallback. Relative paths are ignored, as the specification requires. */
function baseDirectory(env: NodeJS.ProcessEnv, variable: string, fallback: string): string {
  const configured = env[variable];
  const isConfigured = configured !== undefined && path.isAbsolute(configured);
  const folder = isConfigured ? configured : path.join(home(env), fallback);
  // Node.js replaces bytes that are not valid UTF-8 and would therefore use another folder.
  if (!folder.includes("\ufffd")) return folder;
  throw new UserError(`${isConfigured ? variable : "HOME"} is not valid UTF-8: ${folder}`, {
    hint: SET_HOME,
  });
}

/** Returns the user's home directory. @throws {UserError} if there is none. */
function home(env: NodeJS.ProcessEnv): string {
  const folder = homeDirectory(env);
  if (folder !== undefined) return folder;
  const given = env["HOME"];
  const reason = given
    ? `HOME is not an absolute path: ${given}`
    : "HOME is not set, and no account has this user ID";
  throw new UserError(`no home directory: ${reason}`, {
    hint: SET_HOME,
  });
}

/** Returns whether `file` is `directory` or is located below it. Both are absolute paths without symbolic links. */
export function isInside(directory: string, file: string): boolean {
  const relative = path.relative(directory, file);
  return (
    relative === "" ||
    (!relative.startsWith(`..${path.sep}`) && relative !== ".." && !path.isAbsolute(relative))
  );
}
