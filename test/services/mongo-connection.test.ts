import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import path from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { expect, it, vi } from "vitest";
import { UserError } from "../../src/errors.ts";
import { openMongo, type Mongo } from "../../src/stores/mongo.ts";
import { describeWithMongo, startMongo } from "../helpers/mongo.ts";
import { eventually } from "../helpers/swarm.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** More than the buffers of all sockets in between. */
const LARGE = Buffer.alloc(15 << 20);
const FILLED_BYTES = 1 << 16;

/** A connection to a server that can stall in the middle of a request. */
interface Way extends AsyncDisposable {
  port: number;
  /** From now on transfers nothing of a large request. @returns whether one is waiting. */
  block(): () => boolean;
}

interface Certificate {
  key: Buffer;
  cert: Buffer;
  file: string;
}

function makeCertificate(folder: string): Certificate {
  const [key, file] = [path.join(folder, "key.pem"), path.join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", file];
  execFileSync("openssl", [...made, ...subject], { stdio: "ignore" });
  return { key: readFileSync(key), cert: readFileSync(file), file };
}

async function startWay(url: string, certificate: Certificate | undefined): Promise<Way> {
  let blocked = false;
  let waiting = false;
  const sockets = new Set<Socket>();
  const place = decodeURIComponent(new URL(url).host);
  const onward = (): Socket => {
    const [host, port] = place.split(":") as [string, string];
    return place.startsWith("/") ? connect(place) : connect(Number(port), host);
  };
  const serve = (client: Socket): void => {
    const server = onward();
    let taken = 0;
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => [client, server].map((each) => each.destroy()));
    }
    server.pipe(client);
    client.on("data", (bytes: Buffer) => {
      taken += blocked ? bytes.length : 0;
      if (taken > FILLED_BYTES) {
        waiting = true;
        client.pause();
      } else server.write(bytes);
    });
  };
  const server: Server = certificate ? createTlsServer(certificate, serve) : createServer(serve);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    block() {
      blocked = true;
      return () => waiting;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

describeWithMongo("a connection to MongoDB", () => {
  it.each(["without TLS", "with TLS"])(
    "that is closed during a request ends the request, %s",
    async (how) => {
      await using mongo = await startMongo();
      await using folder = await temporaryDirectory();
      const certificate = how === "with TLS" ? makeCertificate(folder.path) : undefined;
      await using way = await startWay(mongo.url, certificate);
      const options = certificate ? `?tls=true&tlsCAFile=${encodeURIComponent(certificate.file)}` : "";
      const url = `mongodb://127.0.0.1:${way.port}/swarm-test${options}`;
      const opened = await openMongo({ url, onWaiting: () => undefined });
      await opened.db.collection("c").insertOne({ small: true });
      const isWaiting = way.block();
      const request = opened.db.collection("c").insertOne({ LARGE });
      const ended = request.then(
        () => "done",
        () => "failed",
      );
      await eventually(() => expect(isWaiting()).toBe(true));
      await opened[Symbol.asyncDispose]();
      expect(await ended).toBe("failed");
    },
    60_000,
  );
});

describeWithMongo("an operation that MongoDB refuses", () => {
  const refusal = (): Error =>
    Object.assign(new Error("database is locked"), { name: "MongoServerError", code: 1 });
  const open = (url: string): Promise<Mongo> => openMongo({ url, onWaiting: () => undefined });

  it("is tried again, because another operation may be the reason", async () => {
    await using server = await startMongo();
    await using mongo = await open(server.url);
    const work = vi.fn(async () => {
      if (work.mock.calls.length < 3) throw refusal();
      return await mongo.db.command({ ping: 1 });
    });
    expect(await mongo.withRetry(work)).toMatchObject({ ok: 1 });
    expect(work).toHaveBeenCalledTimes(3);
  });

  it("ends in a message if it is always refused", async () => {
    await using server = await startMongo();
    await using mongo = await open(server.url);
    const work = vi.fn().mockRejectedValue(refusal());
    const error: unknown = await mongo.withRetry(work).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toMatch(/MongoDB at \S+ refuses an operation: database is locked/);
    expect(work).toHaveBeenCalledTimes(6);
  });
});
