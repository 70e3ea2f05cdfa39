import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { openCompilerRelay } from "../../src/worker/build/compiler-relay.ts";
import { concurrentBuilds } from "../../src/worker/build/compilers.ts";

const LIMITS = { probeMs: 50, connectMs: 500 };

async function listening(onConnection: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true }, onConnection).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

describe("the way to a compiler on another machine", () => {
  it("brings all bytes in both directions, also after one side has said all", async () => {
    const { server, port } = await listening((socket) => {
      let bytes = 0;
      socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
      socket.on("end", () => socket.end(`compiled ${bytes}`)).on("error", () => undefined);
    });
    using relay = await openCompilerRelay("127.0.0.1", port, LIMITS);
    const client = connect(relay.port, "127.0.0.1");
    client.end("x".repeat(1 << 20));
    expect(await text(client)).toBe(`compiled ${1 << 20}`);
    server.close();
  });

  it("ends connections to a machine that no longer answers, though these are still open", async () => {
    const taken: Socket[] = [];
    const { server, port } = await listening((socket) => taken.push(socket.on("error", () => undefined)));
    using relay = await openCompilerRelay("127.0.0.1", port, LIMITS);
    const client = connect(relay.port, "127.0.0.1").on("error", () => undefined);
    client.write("source");
    await expect.poll(() => taken.length).toBeGreaterThan(0);
    server.close(); // nothing listens any more: a look at it fails, as at a machine that has vanished
    await once(client, "close");
    expect(client.destroyed).toBe(true);
    for (const socket of taken) socket.destroy();
  });

  it("refuses at once what leads nowhere", async () => {
    const { server, port } = await listening(() => undefined);
    server.close();
    await once(server, "close");
    using relay = await openCompilerRelay("127.0.0.1", port, LIMITS);
    const client = connect(relay.port, "127.0.0.1").on("error", () => undefined);
    await once(client, "close");
    expect(client.destroyed).toBe(true);
  });
});

describe("builds at once", () => {
  it("are two where others compile and the memory is enough", () => {
    expect(concurrentBuilds(undefined, 64 * 2 ** 30)).toBe(1);
    expect(concurrentBuilds("compilers", 64 * 2 ** 30)).toBe(2);
    expect(concurrentBuilds("compilers", 3 * 2 ** 30)).toBe(1);
    expect(concurrentBuilds("compilers", 2 ** 30)).toBe(1);
  });
});
