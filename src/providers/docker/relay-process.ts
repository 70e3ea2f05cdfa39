import path from "node:path";
import * as v from "valibot";
import { errorText, UserError } from "../../errors.ts";
import { makeFolders, writeFileAtomically } from "../../system/files.ts";
import { identify, isAlive, ProcessIdentitySchema, type ProcessIdentity } from "../../system/identity.ts";
import { installedFile } from "../../system/installation.ts";
import { readJson } from "../../system/json.ts";
import { attempts, poll } from "../../system/poll.ts";
import { lastLines, startDetached, stopAll } from "../processes.ts";
import { hostDirectory, swarmDirectories } from "../swarm-folders.ts";
import type { Relay } from "../swarm-state.ts";
import { existing } from "./docker-state.ts";
import { relay, SERVICE_PORTS, type Ports } from "./relay.ts";
import { stackOf } from "./stack.ts";

const READY_TIMEOUT_MS = 20_000;
const POLL_MS = 20;
/** Interval at which a relay looks whether the state of its swarm still names it; the user may have deleted the folder. */
const LOOK_MS = 5000;
const STOP_TIMEOUT_MS = 5000;

/** A relay's process and ports, written by the relay when it listens. */
const RelayFileSchema = v.object({
  ...ProcessIdentitySchema.entries,
  ports: v.record(v.string(), v.number()),
});

/**
 * Starts the process that forwards connections to the services, and waits until it listens. It keeps running when this
 * process ends.
 * @param before an earlier relay, whose ports are used again if they are free, so that its clients can continue.
 * @throws {UserError} if it does not start.
 */
export async function startRelay(name: string, before: Relay | undefined): Promise<Relay> {
  const logs = path.join(swarmDirectories(name).state, "logs");
  await makeFolders(logs, 0o700);
  const log = path.join(logs, "relay.log");
  const wanted = Object.entries(SERVICE_PORTS).map(
    ([service, usual]) => `${service}=${before?.ports[service] ?? usual}`,
  );
  const args = [installedFile("bin/swarm-tool.js"), "relay", name, ...wanted];
  const relay = await startDetached(process.execPath, args, log);
  try {
    return { ...relay, log, ports: await portsOf(name, relay, log) };
  } catch (error) {
    await stopAll([relay], STOP_TIMEOUT_MS);
    throw error;
  }
}

/** Stops a relay, if there is one. */
export async function stopRelay(relay: Relay | undefined): Promise<void> {
  if (relay !== undefined) await stopAll([relay], STOP_TIMEOUT_MS);
}

/** Returns whether a relay is running on this host. */
export function isRelaying(relay: Relay | undefined): relay is Relay {
  return relay !== undefined && isAlive(relay);
}

/** Forwards a swarm's ports in this process until the signal is aborted, or nobody knows of this relay any more. */
export async function serveRelay(
  name: string,
  ports: Ports,
  log: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { docker: endpoint } = await existing(name);
  const forgotten = new AbortController();
  const watching = AbortSignal.any([signal, forgotten.signal]);
  const onListening = async (open: Ports): Promise<void> => {
    await publishPorts(name, open);
    const look = async (): Promise<boolean> => !(await isPublished(name));
    void poll(look, { everyMs: LOOK_MS, signal: watching, onAbort: "stop" })
      .then((isForgotten) => isForgotten && log("the swarm's state no longer names this relay: it ends"))
      .catch((error: unknown) => log(`the relay ends: ${errorText(error)}`))
      .finally(() => forgotten.abort());
  };
  await relay({ endpoint, stack: stackOf(name), ports, onListening, log, signal: watching });
}

/** Returns whether others find this process as the relay of a swarm. */
async function isPublished(name: string): Promise<boolean> {
  const found = await readJson(relayFile(name), RelayFileSchema);
  return found?.pid === process.pid;
}

/** Writes the ports on which this process, the relay of a swarm, listens. */
async function publishPorts(name: string, ports: Ports): Promise<void> {
  await makeFolders(hostDirectory(name), 0o700);
  await writeFileAtomically(
    relayFile(name),
    `${JSON.stringify({ ...identify(process.pid)!, ports })}\n`,
    0o600,
  );
}

/** Waits until the relay listens, and returns its ports, which differ from the wanted ones if those are in use. */
async function portsOf(name: string, relay: ProcessIdentity, log: string): Promise<Ports> {
  const nextAttempt = attempts({ everyMs: POLL_MS, timeoutMs: READY_TIMEOUT_MS });
  for (;;) {
    const found = await readJson(relayFile(name), RelayFileSchema);
    if (found?.pid === relay.pid && found.startTime === relay.startTime) return found.ports;
    if (!isAlive(relay) || !(await nextAttempt())) throw doesNotStart(await lastLines(log, 3), log);
  }
}

function relayFile(name: string): string {
  return path.join(hostDirectory(name), "relay.json");
}

function doesNotStart(lines: string, log: string): UserError {
  return new UserError(`the relay to the swarm does not start:\n${lines}`, { hint: `see ${log}` });
}
