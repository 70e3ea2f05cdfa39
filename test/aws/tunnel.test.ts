import { createServer, type AddressInfo, type Server } from "node:net";
import { once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { keyFile, makeKey } from "../../src/providers/aws/key-pair.ts";
import { dockerAnswers } from "../../src/providers/docker/docker-ping.ts";
import type { Tunnel } from "../../src/providers/swarm-state.ts";
import { closeTunnel, FORWARDS, isOpen, openTunnel, type SshHost } from "../../src/providers/aws/tunnel.ts";
import { isAlive } from "../../src/system/identity.ts";
import { freePort } from "../../src/system/ports.ts";
import { describeWithService } from "../helpers/services.ts";
import { startManager, type Manager } from "../helpers/sshd.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";

describeWithService("sshd", "openTunnel", () => {
  let manager: Manager;
  let folder: TemporaryDirectory;
  let host: SshHost;
  const saved: Tunnel[] = [];

  beforeEach(async () => {
    manager = await startManager();
    folder = await temporaryDirectory();
    await manager.allow(await makeKey(folder.path, "test"));
    vi.stubEnv("PATH", `${manager.bin}${path.delimiter}${process.env["PATH"] ?? ""}`);
    const { user, hostKey } = manager;
    host = { address: "203.0.113.7", user, hostKey, alias: "i-0123", keyFile: keyFile(folder.path) };
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    for (const tunnel of saved.splice(0)) await closeTunnel(tunnel);
    await manager[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const open = (
    changes: {
      host?: Partial<SshHost>;
      timeoutMs?: number;
      signal?: AbortSignal;
      ports?: Tunnel["ports"];
    } = {},
  ) =>
    openTunnel(
      { ...host, ...changes.host },
      {
        directory: folder.path,
        socketDirectory: path.join(folder.path, "socket"),
        timeoutMs: changes.timeoutMs ?? 30_000,
        signal: changes.signal,
        ports: changes.ports,
        save: (tunnel) => Promise.resolve(void saved.push(tunnel)),
      },
    );

  it("is ready when Docker answers through it, and ends when it is closed", async () => {
    const tunnel = await open();
    expect(await dockerAnswers(tunnel.dockerSocket)).toBe(true);
    expect((await stat(tunnel.dockerSocket)).mode & 0o077).toBe(0);
    expect(Object.keys(tunnel.ports).sort()).toEqual(["dashboard", "mongo", "redis", "visualizer"]);
    expect(isOpen(tunnel)).toBe(true);
    await closeTunnel(tunnel);
    expect(isOpen(tunnel)).toBe(false);
    expect(await dockerAnswers(tunnel.dockerSocket)).toBe(false);
  });

  it("refuses a machine whose host key differs from the published one", async () => {
    const other = await startManager();
    try {
      await expect(open({ host: { hostKey: other.hostKey } })).rejects.toThrow(
        "the machine at 203.0.113.7 is not the manager: its host key differs from the one that AWS published",
      );
      expect(saved.some(isAlive)).toBe(false);
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });

  it("reports that the manager rejects the key", async () => {
    await manager.allow("");
    await expect(open()).rejects.toThrow("rejected the swarm's key");
  });

  it("reports after its time limit that nothing answers", async () => {
    await manager.stop();
    await expect(open({ timeoutMs: 8000 })).rejects.toThrow(
      /the tunnel to 203\.0\.113\.7 closed: .*refused/i,
    );
    expect(saved.some(isAlive)).toBe(false);
  });

  it("waits for a manager that is still starting", async () => {
    await manager.stop();
    const opening = open();
    await vi.waitFor(() => expect(saved.length).toBeGreaterThan(0), { timeout: 30_000 });
    await manager.start();
    expect(isOpen(await opening)).toBe(true);
  });

  it("uses other local ports if some are in use, and records them", async () => {
    await using taken = await listen();
    const tunnel = await open({ ports: { redis: taken.port } });
    expect(tunnel.ports["redis"]).not.toBe(taken.port);
    expect(new Set(Object.values(tunnel.ports)).size).toBe(4);
  });

  it("ends when the connection is lost, and can be reopened with the same ports", async () => {
    const first = await open({ ports: await freePorts() }); // other tests may use the default ports
    manager.cut();
    await vi.waitFor(() => expect(isOpen(first)).toBe(false), { timeout: 30_000 });
    const second = await open({ ports: first.ports });
    expect(second.ports).toEqual(first.ports);
    expect(await dockerAnswers(second.dockerSocket)).toBe(true);
  });

  it("leaves no process behind when it is interrupted", async () => {
    await manager.stop();
    const interruption = new AbortController();
    const opening = open({ signal: interruption.signal });
    await vi.waitFor(() => expect(saved.length).toBeGreaterThan(0), { timeout: 30_000 });
    interruption.abort();
    await expect(opening).rejects.toThrow(/abort/i);
    expect(saved.some(isAlive)).toBe(false);
  });

  it("does not mistake a process with a recycled pid for its own", async () => {
    const tunnel = await open();
    const recycled = { ...tunnel, pid: process.pid };
    expect(isOpen(recycled)).toBe(false);
    await closeTunnel(recycled); // would end this process otherwise
    expect(isOpen(tunnel)).toBe(true);
  });

  it("keeps its key and known host readable only by its user", async () => {
    await open();
    expect((await stat(keyFile(folder.path))).mode & 0o077).toBe(0);
    expect(await readFile(path.join(folder.path, "known_hosts"), "utf8")).toBe(`i-0123 ${manager.hostKey}\n`);
  });
});

async function freePorts(): Promise<Tunnel["ports"]> {
  const ports: Tunnel["ports"] = {};
  for (const name of Object.keys(FORWARDS)) ports[name] = await freePort(0, Object.values(ports));
  return ports;
}

async function listen(): Promise<AsyncDisposable & { port: number }> {
  const server: Server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}
