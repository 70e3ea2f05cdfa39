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
  /** Of the process that runs now, or ran last. */
  readonly pid: number;
  /** SIGTERM, as an administrator would: what is to be kept is written. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash would. */
  kill(): Promise<void>;
  /** Stops the server if it runs, and starts it on the same socket and directory. */
  restart(): Promise<void>;
}

/** What must not outlive the test run, however it ends. */
const servers = new Set<ChildProcess>();
process.once("exit", () => {
  for (const server of servers) server.kill("SIGKILL");
});

/** A unix socket's path has at most 107 bytes, on macOS 103. */
const LONGEST_TEMPORARY = 80;

/**
 * A private redis-server, which answers when this returns.
 * @param appendOnly keep the data over `restart`.
 */
export async function startRedis({ appendOnly = false } = {}): Promise<RedisServer> {
  const temporary = Buffer.byteLength(tmpdir()) > LONGEST_TEMPORARY ? "/tmp" : tmpdir();
  const directory = await realpath(await mkdtemp(path.join(temporary, "redis-")));
  const socket = path.join(directory, "s");
  let running: { server: ChildProcess; exited: Promise<unknown> } | undefined;
  let pid = 0;

  const start = async (): Promise<void> => {
    const persistence = ["--save", "", "--appendonly", appendOnly ? "yes" : "no"];
    const args = ["--port", "0", "--unixsocket", socket, "--dir", directory, ...persistence];
    const server = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
    const output = lastOutput(server);
    const exited = once(server, "exit").catch((error: unknown) => error); // an error: it never started
    running = { server, exited };
    servers.add(server);
    void exited.then(() => servers.delete(server));
    if (!(await answers(socket, exited))) {
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

/** Whether the server answers; false if it ends before that. */
async function answers(socket: string, exited: Promise<unknown>): Promise<boolean> {
  const probe = new Redis(socket, { retryStrategy: () => 20, maxRetriesPerRequest: 500 });
  probe.on("error", () => undefined); // refused until the socket is there
  try {
    return await Promise.race([probe.ping().then(() => true), exited.then(() => false)]);
  } finally {
    probe.disconnect();
  }
}

/** Reads what a process prints, so that it never waits for us, and keeps the end of it. */
function lastOutput(server: ChildProcess): () => string {
  let text = "";
  server.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
    text = (text + chunk).slice(-2_000);
  });
  return () => text.trim();
}
