import { once } from "node:events";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { expect, it } from "vitest";
import { relay, type Ports } from "../../src/providers/docker/relay.ts";
import { eventually, stateFolder } from "../helpers/swarm.ts";
import { newUser } from "../helpers/tool.ts";

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

it("ends when the state of its swarm has been deleted", async () => {
  await using user = await newUser();
  const folder = stateFolder(user, "d");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const docker = { host: "unix:///nowhere/docker.sock" };
  const state = {
    format: 1,
    name: "d",
    target: "docker",
    state: "running",
    docker,
    services: { images: {} },
  };
  await writeFile(path.join(folder, "swarm.json"), JSON.stringify(state), { mode: 0o600 });
  const { finished } = user.start("swarm-tool", ["relay", "d", "redis=0"]);
  await eventually(async () =>
    expect(await readdir(folder, { recursive: true })).toContainEqual(
      expect.stringMatching(/^on-.*relay\.json$/),
    ),
  );
  await rm(folder, { recursive: true });
  const { exitCode, stderr } = await finished;
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining("no longer names this relay")]);
});
