import { accessSync, constants } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { shortHash } from "../../short-hash.ts";
import { installedFile } from "../../system/installation.ts";
import { isFreeOrOurs } from "../../system/own-socket.ts";
import { redisDirectory, swarmDirectories } from "../swarm-folders.ts";
import type { LocalState } from "../swarm-state.ts";
import { userId } from "../../system/user.ts";

/** sockaddr_un.sun_path of unix(7) has 108 bytes with its end; macOS has 104. */
const SOCKET_PATH_LIMIT = 103;
const LONGEST_SOCKET = "docker.sock";

/**
 * Returns where the sockets of a directory are: there, or, if its path is too long for a socket, in a folder for temporary
 * files that is this user's alone.
 * @throws {UserError} if there is no such folder with a path short enough.
 */
export function socketDirectoryFor(preferred: string, env: NodeJS.ProcessEnv = process.env): string {
  if (isShort(preferred)) return preferred;
  const hash = shortHash(preferred, 12);
  const parents = [tmpdir(), "/tmp", env["XDG_RUNTIME_DIR"] ?? "", "/var/tmp"];
  const places = parents
    .filter((parent) => path.isAbsolute(parent) && isWritable(parent))
    .map((parent) => path.join(parent, `inet-swarm-${userId()}-${hash}`))
    .filter(isShort);
  const place = places.find(isFreeOrOurs);
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
    return false; // the answer, whatever the reason
  }
}

export function socketFile(state: Pick<LocalState, "socketDirectory">): string {
  return path.join(state.socketDirectory, "redis.sock");
}

/** Where a local swarm keeps what; the same for its workers and its clients. */
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

/** The command line of a process of this installation. */
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
