import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "../../errors.ts";
import { isAlive } from "../../system/identity.ts";
import { installedFile } from "../../system/installation.ts";
import { freePort } from "../../system/ports.ts";
import { lastLines, startDetached, stopAll } from "../background.ts";
import { swarmDirectories, type Relay } from "../swarm-state.ts";
import { SERVICE_PORTS } from "./relay.ts";

const READY_TIMEOUT_MS = 20_000;
const POLL_MS = 20;
const STOP_TIMEOUT_MS = 5000;

/**
 * Starts the process that brings connections to the services, which lives on after this one.
 * @param before an earlier one: its ports are taken again where they are free, so that its clients find it.
 */
export async function startRelay(name: string, before: Relay | undefined): Promise<Relay> {
  const logs = path.join(swarmDirectories(name).state, "logs");
  await mkdir(logs, { recursive: true, mode: 0o700 });
  const log = path.join(logs, "relay.log");
  const ports: Record<string, number> = {};
  for (const [service, preferred] of Object.entries(SERVICE_PORTS)) {
    ports[service] = await freePort(before?.ports[service] ?? preferred, Object.values(ports));
  }
  const listed = Object.entries(ports).map(([service, port]) => `${service}=${port}`);
  const args = [installedFile("bin/swarm-tool.js"), "relay", name, ...listed];
  const relay = { ...(await startDetached(process.execPath, args, log)), log, ports };
  try {
    await listens(relay);
  } catch (error) {
    await stopRelay(relay);
    throw error;
  }
  return relay;
}

export async function stopRelay(relay: Relay | undefined): Promise<void> {
  if (relay !== undefined) await stopAll([relay], STOP_TIMEOUT_MS);
}

export function isRelaying(relay: Relay | undefined): relay is Relay {
  return relay !== undefined && isAlive(relay);
}

async function listens(relay: Relay): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (const port of Object.values(relay.ports)) {
    while (!(await accepts(port))) {
      if (isAlive(relay) && Date.now() < deadline) await delay(POLL_MS);
      else throw doesNotStart(await lastLines(relay.log, 3), relay.log);
    }
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false; // not yet
  } finally {
    socket.destroy();
  }
}

function doesNotStart(lines: string, log: string): UserError {
  return new UserError(`the relay to the swarm does not start:\n${lines}`, { hint: `see ${log}` });
}
