import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import path from "node:path";
import { MongoClient } from "mongodb";
import { describe, expect, it } from "vitest";
import { builtMongoServer } from "../../scripts/mongo-server.js";
import { findProgram } from "../../scripts/setup.js";
import { removeDirectory } from "./temporary.ts";

export interface MongoServer extends AsyncDisposable {
  /** With a database of the test's own. */
  url: string;
  /** Pid of the current process. */
  pid(): number;
  /** Kills it, like a crash. */
  kill(): Promise<void>;
  /** Starts it again at the same place, with its data. */
  start(options?: MongoOptions): Promise<void>;
}

interface MongoOptions {
  /** The size of data above which the server refuses writes; only FerretDB supports it. */
  maxBytes?: number;
}

/** The driver recognizes a socket by this ending. */
const SOCKET = "mongo.sock";
const SQLITE_PAGE_BYTES = 4096;
const hasMongod = findProgram("mongod") !== undefined;
/** Whether a server of a test can be configured to be full. */
export const CAN_BE_FULL = !hasMongod;

/** Tests that need a MongoDB of their own; see services.ts for what happens without one. */
export function describeWithMongo(name: string, body: () => void): void {
  if (hasMongod || existsSync(builtMongoServer())) {
    describe(name, body);
    return;
  }
  const reason = "there is no MongoDB server: install mongod, or Go 1.23, with which npm test builds one";
  if (process.env["REQUIRE_SERVICES"] === "1") {
    describe(name, () => {
      it("finds a MongoDB server", () => expect.fail(reason));
    });
    return;
  }
  console.warn(`SKIPPED tests: ${reason}`);
  describe.skip(`${name} (no MongoDB server)`, body);
}

/** A database of the test's own on the server that `MONGO_URL` names, else on a private server. */
export async function someMongo(): Promise<{ url: string } & AsyncDisposable> {
  const named = process.env["MONGO_URL"];
  if (!named) return await startMongo();
  const url = new URL(named);
  url.pathname = `/swarm-test-${randomBytes(6).toString("hex")}`;
  if (!url.searchParams.has("authSource")) url.searchParams.set("authSource", "admin");
  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      const client = new MongoClient(url.href);
      await client.db().dropDatabase();
      await client.close();
    },
  };
}

/** A private server, which answers when this returns. */
export async function startMongo(options: MongoOptions = {}): Promise<MongoServer> {
  const directory = await realpath(await mkdtemp("/tmp/mongo-")); // a socket's path has at most 103 bytes
  await mkdir(path.join(directory, "data"));
  const place = hasMongod
    ? `127.0.0.1:${await freePort()}`
    : encodeURIComponent(path.join(directory, SOCKET));
  const url = `mongodb://${place}/swarm-test`;
  let running: { server: ChildProcess; exited: Promise<unknown> } | undefined;
  const kill = async (): Promise<void> => {
    running?.server.kill("SIGKILL");
    await running?.exited;
    running = undefined;
  };
  const start = async ({ maxBytes }: MongoOptions = {}): Promise<void> => {
    await rm(path.join(directory, SOCKET), { force: true });
    const [program, args] = hasMongod
      ? mongodCommand(directory, place)
      : ferretCommand(directory, maxBytes && Math.ceil(maxBytes / SQLITE_PAGE_BYTES));
    const server = spawn(program, args, { stdio: ["pipe", "ignore", "pipe"], cwd: directory });
    let said = "";
    server.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-2000)));
    const exited = once(server, "exit");
    running = { server, exited };
    if (!(await answers(url, exited))) throw new Error(`${program} ended at once: ${said}`);
  };
  const dispose = async (): Promise<void> => {
    await kill();
    await removeDirectory(directory);
  };
  try {
    await start(options);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { url, pid: () => running!.server.pid!, kill, start, [Symbol.asyncDispose]: dispose };
}

/** It ends when our end of its stdin is closed, so however this process ends. */
function ferretCommand(directory: string, maxPages: number | undefined): [string, string[]] {
  const limit = maxPages === undefined ? "" : `?_pragma=max_page_count(${maxPages})`;
  const data = `file:${path.join(directory, "data")}/${limit}`;
  return [builtMongoServer(), ["-socket", path.join(directory, SOCKET), "-data", data]];
}

function mongodCommand(directory: string, place: string): [string, string[]] {
  const [host, port] = place.split(":") as [string, string];
  const mongod = ["mongod", "--quiet", "--nounixsocket", "--bind_ip", host, "--port", port];
  const script = '"$@" & read -r _; kill -9 $!'; // ends the server too, however this process ends
  return [
    "sh",
    ["-c", `exec 3<&0; (${script}) <&3`, "sh", ...mongod, "--dbpath", path.join(directory, "data")],
  ];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Waits until the server answers; false if it ends before that. */
async function answers(url: string, exited: Promise<unknown>): Promise<boolean> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 30_000 });
  try {
    const ping = client.db().command({ ping: 1 });
    return await Promise.race([ping.then(() => true), exited.then(() => false)]);
  } finally {
    await client.close();
  }
}
