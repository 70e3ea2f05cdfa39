import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, realpath } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import { removeDirectory } from "./temporary.ts";

export interface RedisServer extends AsyncDisposable {
  /** The unix socket: the server listens on nothing else. */
  socket: string;
  directory: string;
  /** Pid of the current process, or of the last one. */
  readonly pid: number;
  /** Sends SIGTERM, like an administrator: persistent data is written. */
  stop(): Promise<void>;
  /** Sends SIGKILL, like a crash. */
  kill(): Promise<void>;
  /** Stops the server if it runs, and starts it with the same socket and directory. */
  restart(): Promise<void>;
}

/** Ends when its stdin is closed, which happens when this process ends, however it ends; then ends the server, too. */
const GUARD = 'read -r _; kill -9 "$1"; rm -rf "$2"';

/** A unix socket's path has at most 107 bytes, on macOS 103. */
const LONGEST_TEMPORARY = 80;

/**
 * Starts a private redis-server and waits until it answers.
 * @param appendOnly keep the data over `restart`.
 */
export async function startRedis({
  appendOnly = false,
  password,
}: { appendOnly?: boolean; password?: string } = {}): Promise<RedisServer> {
  const temporary = Buffer.byteLength(tmpdir()) > LONGEST_TEMPORARY ? "/tmp" : tmpdir();
  const directory = await realpath(await mkdtemp(path.join(temporary, "redis-")));
  const socket = path.join(directory, "s");
  let running: { server: ChildProcess; exited: Promise<unknown> } | undefined;
  let pid = 0;

  const start = async (): Promise<void> => {
    const persistence = ["--save", "", "--appendonly", appendOnly ? "yes" : "no"];
    const secret = password === undefined ? [] : ["--requirepass", password];
    const args = ["--port", "0", "--unixsocket", socket, "--dir", directory, ...persistence, ...secret];
    const server = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
    const output = lastOutput(server);
    const exited = once(server, "exit").catch((error: unknown) => error); // an error: it never started
    running = { server, exited };
    if (server.pid !== undefined) guard(server.pid, directory, exited);
    if (!(await answers(socket, password, exited))) {
      throw new Error(`redis-server ended at once: ${output()}`, { cause: await exited });
    }
    pid = server.pid!;
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    running?.server.kill(signal);
    await running?.exited;
    running = undefined;
  };
  const dispose = async (): Promise<void> => {
    await end("SIGKILL");
    await removeDirectory(directory);
  };

  try {
    await start();
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    socket,
    directory,
    get pid() {
      return pid;
    },
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    async restart() {
      await end("SIGTERM");
      await start();
    },
    [Symbol.asyncDispose]: dispose,
  };
}

function guard(pid: number, directory: string, exited: Promise<unknown>): void {
  const watcher = spawn("sh", ["-c", GUARD, "sh", `${pid}`, directory], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true, // a Ctrl-C for the tests must not reach the guard
  });
  watcher.unref();
  void exited.then(() => watcher.kill("SIGKILL"));
}

/** Waits until the server answers; false if it ends before that. */
async function answers(
  socket: string,
  password: string | undefined,
  exited: Promise<unknown>,
): Promise<boolean> {
  const probe = new Redis(socket, { password, retryStrategy: () => 20, maxRetriesPerRequest: 500 });
  probe.on("error", () => undefined); // refused until the socket exists
  try {
    return await Promise.race([probe.ping().then(() => true), exited.then(() => false)]);
  } finally {
    probe.disconnect();
  }
}

/** Reads a process's output, so that the process never blocks, and keeps the end of it. */
function lastOutput(server: ChildProcess): () => string {
  let text = "";
  server.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
    text = (text + chunk).slice(-2_000);
  });
  return () => text.trim();
}
