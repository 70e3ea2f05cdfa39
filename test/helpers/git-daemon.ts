import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { vi } from "vitest";
import { gitEnvironment } from "./git.ts";
import { temporaryDirectory } from "./temporary.ts";

export interface GitHost extends AsyncDisposable {
  /** URL of the bare repository that it serves to everybody; empty at first. */
  url: string;
  port: number;
  stop(): Promise<void>;
  /** Starts it after `stop`, at the same port. */
  start(): Promise<void>;
}

/**
 * Serves a bare repository with git's own protocol, for reading and for pushing.
 * @param address of the interface to listen on.
 */
export async function startGitHost(address = "127.0.0.1"): Promise<GitHost> {
  const folder = await temporaryDirectory("swarm-host-");
  const git = (...args: string[]) => promisify(execFile)("git", args, { env: gitEnvironment });
  await git("init", "--quiet", "--bare", "--initial-branch=main", path.join(folder.path, "project.git"));
  const port = await freePort(address);
  const listen = [`--listen=${address}`, `--port=${port}`, "--reuseaddr"];
  const what = ["--export-all", "--enable=receive-pack", `--base-path=${folder.path}`, folder.path];
  const url = `git://${address}:${port}/project.git`;
  let stop: GitHost["stop"] = () => Promise.resolve();
  const start = async (): Promise<void> => {
    const daemon = spawn("git", ["daemon", ...listen, ...what], { env: gitEnvironment, stdio: "ignore" });
    const ended = once(daemon, "exit");
    stop = async () => {
      daemon.kill("SIGTERM");
      await ended;
    };
    await vi.waitFor(() => git("ls-remote", url), { timeout: 20_000, interval: 50 });
  };
  await start();
  return {
    url,
    port,
    start,
    stop: () => stop(),
    async [Symbol.asyncDispose]() {
      await stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

export async function freePort(address = "127.0.0.1"): Promise<number> {
  const server = createServer().listen(0, address);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
