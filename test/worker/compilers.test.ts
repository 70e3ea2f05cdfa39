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

describe("the connection to a compiler on another machine", () => {
  it("transfers all bytes in both directions, also after one side has finished", async () => {
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

  it("closes connections to a machine that no longer answers, although these are still open", async () => {
    const taken: Socket[] = [];
    const { server, port } = await listening((socket) => taken.push(socket.on("error", () => undefined)));
    using relay = await openCompilerRelay("127.0.0.1", port, LIMITS);
    const client = connect(relay.port, "127.0.0.1").on("error", () => undefined);
    client.write("source");
    await expect.poll(() => taken.length).toBeGreaterThan(0);
    server.close(); // nothing listens any longer: probing it fails, like on a machine that has vanished
    await once(client, "close");
    expect(client.destroyed).toBe(true);
    for (const socket of taken) socket.destroy();
  });

  it("refuses an address that leads nowhere immediately", async () => {
    const { server, port } = await listening(() => undefined);
    server.close();
    await once(server, "close");
    using relay = await openCompilerRelay("127.0.0.1", port, LIMITS);
    const client = connect(relay.port, "127.0.0.1").on("error", () => undefined);
    await once(client, "close");
    expect(client.destroyed).toBe(true);
  });
});

describe("concurrent builds", () => {
  it("are two if other machines compile and there is enough memory", () => {
    expect(concurrentBuilds(undefined, 64 * 2 ** 30)).toBe(1);
    expect(concurrentBuilds("compilers", 64 * 2 ** 30)).toBe(2);
    expect(concurrentBuilds("compilers", 3 * 2 ** 30)).toBe(1);
    expect(concurrentBuilds("compilers", 2 ** 30)).toBe(1);
  });
});
