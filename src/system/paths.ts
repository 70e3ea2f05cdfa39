import { homedir } from "node:os";
import path from "node:path";

const APPLICATION = "inet-swarm";

/**
 * Where the state of swarms lies (state files, logs, the queue's data); survives a reboot.
 * @see XDG Base Directory Specification 0.8, `XDG_STATE_HOME`.
 */
export function stateDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return path.join(baseDirectory(env["XDG_STATE_HOME"], ".local/state"), APPLICATION);
}

/**
 * Where builds and working trees lie; all of it can be made again.
 * @see XDG Base Directory Specification 0.8, `XDG_CACHE_HOME`.
 */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return path.join(baseDirectory(env["XDG_CACHE_HOME"], ".cache"), APPLICATION);
}

/** The specification has relative paths ignored. */
function baseDirectory(configured: string | undefined, fallback: string): string {
  if (configured !== undefined && path.isAbsolute(configured)) return configured;
  return path.join(homedir(), fallback);
}

/** True where `file` is `directory` itself or lies below it. Both absolute, without symbolic links. */
export function isInside(directory: string, file: string): boolean {
  const relative = path.relative(directory, file);
  return (
    relative === "" ||
    (!relative.startsWith(`..${path.sep}`) && relative !== ".." && !path.isAbsolute(relative))
  );
}
