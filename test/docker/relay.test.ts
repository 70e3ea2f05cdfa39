import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { relay, type Ports } from "../../src/providers/docker/relay.ts";

it("uses another port if the preferred one is in use", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const taken = (other.address() as AddressInfo).port;
  const end = new AbortController();
  let relaying: Promise<void> | undefined;
  const ports = await new Promise<Ports>((resolve, reject) => {
    relaying = relay({
      endpoint: { host: "unix:///nowhere/docker.sock" },
      stack: "swarm-nobody",
      ports: { dashboard: taken, redis: 0 },
      onListening: (open) => Promise.resolve(resolve(open)),
      log: () => undefined,
      signal: end.signal,
    });
    relaying.catch(reject);
  });
  expect(Object.keys(ports)).toEqual(["dashboard", "redis"]);
  expect(Object.values(ports)).not.toContain(taken);
  for (const port of Object.values(ports)) {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
  }
  end.abort();
  await relaying;
  other.close();
});
