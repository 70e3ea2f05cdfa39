import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import path from "node:path";
import { installedFile } from "../system/installation.ts";
import { userId } from "../system/user.ts";
import { swarmDirectories, type LocalState } from "./swarm-state.ts";

/** sockaddr_un.sun_path of unix(7) has 108 bytes with its end; macOS has 104. */
const SOCKET_PATH_LIMIT = 103;

/** The state directory, or, where its path is too long for a socket, a folder for temporary files. */
export function socketDirectoryFor(name: string): string {
  const preferred = swarmDirectories(name).state;
  if (Buffer.byteLength(path.join(preferred, "redis.sock")) <= SOCKET_PATH_LIMIT) return preferred;
  const unique = createHash("sha256").update(preferred).digest("hex").slice(0, 12);
  return path.join(tmpdir(), `inet-swarm-${userId()}-${unique}`);
}

export function socketFile(state: Pick<LocalState, "socketDirectory">): string {
  return path.join(state.socketDirectory, "redis.sock");
}

/** Where a local swarm keeps what; the same for its workers and its clients. */
export function localDirectories(name: string) {
  const { state, cache } = swarmDirectories(name);
  return {
    state,
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
  const { cache, builds, sources, results } = localDirectories(state.name);
  const common = [
    "--redis",
    socketFile(state),
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
