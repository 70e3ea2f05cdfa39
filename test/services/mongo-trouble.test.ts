import { once } from "node:events";
import { createServer, type Server } from "node:net";
import path from "node:path";
import { writeFile } from "node:fs/promises";
import { BSON } from "mongodb";
import { expect, it } from "vitest";
import { describeWithMongo, startMongo } from "../helpers/mongo.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";
import { newUser, type Finished } from "../helpers/tool.ts";

const SECRET = "s3cr3t";

async function init(env: NodeJS.ProcessEnv): Promise<Finished> {
  await using user = await newUser();
  return await user.run("swarm-tool", ["init", "--local", "--mongo"], { env });
}

/** A clear sentence, exit code 2, no stack trace, no password. */
function expectAdvice({ exitCode, stdout, stderr }: Finished, message: string | RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^ {4}at /m);
  expect(stdout + stderr).not.toContain(SECRET);
  expect(exitCode).toBe(2);
}

it("reports that MongoDB is not configured, or that the URL is invalid", async () => {
  expectAdvice(await init({ MONGO_URL: "", MONGO_URL_FILE: "" }), "MONGO_URL is not set");
  expectAdvice(await init({ MONGO_URL: `http://me:${SECRET}@host/` }), "the MongoDB URL is not valid");
  expectAdvice(
    await init({ MONGO_URL_FILE: "/nowhere/secret" }),
    "cannot read the file named by MONGO_URL_FILE",
  );
});

it("reports that nothing listens", async () => {
  await using directory = await temporaryDirectory();
  const socket = encodeURIComponent(path.join(directory.path, "mongo.sock"));
  const finished = await init({ MONGO_URL: `mongodb://${socket}/` });
  expectAdvice(finished, /MongoDB at .*mongo.sock is not responding \(connect ENOENT/);
});

it("reports that a server is too old", async () => {
  await using directory = await temporaryDirectory();
  const socket = path.join(directory.path, "mongo.sock");
  await using _ = await oldMongo(socket);
  const file = path.join(directory.path, "url");
  await writeFile(file, `mongodb://${encodeURIComponent(socket)}/\n`);
  expectAdvice(
    await init({ MONGO_URL_FILE: file }),
    /has a version that is not supported: .*\n.*MongoDB 4.2 or later/,
  );
});

describeWithMongo("a MongoDB that requires another password", () => {
  it("leads to a message that does not contain the password", async () => {
    await using mongo = await startMongo();
    const url = mongo.url.replace("mongodb://", `mongodb://me:${SECRET}@`);
    expectAdvice(await init({ MONGO_URL: url }), "rejected the user name or password");
  });
});

/** Answers every request like MongoDB 3.6 answers a handshake. */
async function oldMongo(socket: string): Promise<AsyncDisposable> {
  const server: Server = createServer((connection) => {
    connection.on("error", () => undefined);
    connection.on("data", (request) => {
      const reply = {
        ok: 1,
        ismaster: true,
        maxWireVersion: 6,
        minWireVersion: 0,
        maxBsonObjectSize: 1 << 24,
      };
      connection.write(
        asAnswer(request, BSON.serialize({ ...reply, maxMessageSizeBytes: 48000000, readOnly: false })),
      );
    });
  });
  server.listen(socket);
  await once(server, "listening");
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** OP_REPLY to OP_QUERY, OP_MSG to OP_MSG. @see MongoDB Wire Protocol. */
function asAnswer(request: Buffer, document: Uint8Array): Buffer {
  const isQuery = request.readInt32LE(12) === 2004;
  const head = Buffer.alloc(isQuery ? 36 : 21);
  head.writeInt32LE(head.length + document.length, 0);
  head.writeInt32LE(request.readInt32LE(4), 8);
  head.writeInt32LE(isQuery ? 1 : 2013, 12);
  if (isQuery) head.writeInt32LE(1, 32);
  return Buffer.concat([head, document]);
}
