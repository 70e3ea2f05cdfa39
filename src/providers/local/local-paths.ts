import { accessSync, constants } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { shortHash } from "../../short-hash.ts";
import { installedFile } from "../../system/installation.ts";
import { isUnusedOrPrivate } from "../../system/own-socket.ts";
import { redisDirectory, swarmDirectories } from "../swarm-folders.ts";
import type { LocalState } from "../swarm-state.ts";
import { userId } from "../../system/user.ts";

/** @see unix(7): sockaddr_un.sun_path has 108 bytes including the terminating null; macOS has 104. */
const SOCKET_PATH_LIMIT = 103;
const LONGEST_SOCKET = "docker.sock";

/**
 * Returns the folder for sockets: the preferred one or, if its path is too long for a socket, a temporary folder that
 * only this user can access.
 * @throws {UserError} if there is no such folder with a short path.
 */
export function socketDirectoryFor(preferred: string, env: NodeJS.ProcessEnv = process.env): string {
  if (isShort(preferred)) return preferred;
  const hash = shortHash(preferred, 12);
  const parents = [tmpdir(), "/tmp", env["XDG_RUNTIME_DIR"] ?? "", "/var/tmp"];
  const places = parents
    .filter((parent) => path.isAbsolute(parent) && isWritable(parent))
    .map((parent) => path.join(parent, `inet-swarm-${userId()}-${hash}`))
    .filter(isShort);
  const place = places.find(isUnusedOrPrivate);
  if (place !== undefined) return place;
  throw new UserError(`no directory for the sockets of ${preferred}: its path is too long`, {
    hint: "set XDG_STATE_HOME to a directory with a shorter path, or TMPDIR to your own directory with a path of at most 60 characters",
  });
}

function isShort(directory: string): boolean {
  return Buffer.byteLength(path.join(directory, LONGEST_SOCKET)) <= SOCKET_PATH_LIMIT;
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false; // whatever the reason, it cannot be used
  }
}

/** Returns the path of the Redis socket of a local swarm. */
export function socketFile(state: Pick<LocalState, "socketDirectory">): string {
  return path.join(state.socketDirectory, "redis.sock");
}

/** Returns the directories of a local swarm, which are the same for workers and clients. */
export function localDirectories(name: string) {
  const { state, cache } = swarmDirectories(name);
  return {
    state,
    redis: redisDirectory(state),
    cache,
    builds: path.join(cache, "builds"),
    sources: path.join(cache, "sources"),
    results: path.join(state, "results"),
  };
}

/** Returns the command line that starts a process of a local swarm: the program and its arguments. */
export function workerArguments(
  role: "builder" | "runner" | "dashboard",
  state: LocalState,
): [string, string[]] {
  if (role === "dashboard") {
    const tool = installedFile("bin/swarm-tool.js");
    return [process.execPath, [tool, "dashboard", state.name, "--background"]];
  }
  const program = installedFile("bin/swarm-worker.js");
  const { redis, cache, builds, sources, results } = localDirectories(state.name);
  const common = [
    "--redis",
    socketFile(state),
    "--redis-data",
    redis,
    "--directory",
    cache,
    "--builds",
    builds,
    "--sources",
    sources,
    "--results",
    results,
  ];
  const own = role === "runner" ? ["--concurrency", String(state.runners)] : ["--idle-halts", state.name];
  return [process.execPath, [program, role, ...common, ...own]];
}
