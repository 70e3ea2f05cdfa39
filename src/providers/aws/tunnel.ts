import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { UserError } from "../../errors.ts";
import { isAlive } from "../../system/identity.ts";
import { attempts } from "../../system/poll.ts";
import { freePort } from "../../system/ports.ts";
import { startDetached, stopAll } from "../processes.ts";
import type { Tunnel } from "../swarm-state.ts";
import { dockerAnswers } from "../docker/docker-ping.ts";
import { explainSsh } from "./tunnel-errors.ts";
import { makeFolders } from "../../system/files.ts";

/** The services that are forwarded by a tunnel, with their ports on the manager. */
export const FORWARDS = { dashboard: 9181, visualizer: 8080, mongo: 27017, redis: 6379 } as const;
const DOCKER_SOCKET = "/var/run/docker.sock";

/** A machine that can be reached by ssh, with its host key. */
export interface SshHost {
  address: string;
  user: string;
  keyFile: string;
  /** Instance ID, used instead of the address, which may be assigned to another machine later. */
  alias: string;
  /** `ssh-ed25519 AAAA…` */
  hostKey: string;
}

export interface TunnelOptions {
  /** Folder for known_hosts and the log. */
  directory: string;
  /** Folder with mode 700 and a path that is short enough for a socket. */
  socketDirectory: string;
  /** Local ports of an earlier tunnel, which are used again if they are free, so that its clients can continue. */
  ports?: Readonly<Record<string, number>> | undefined;
  /** How long to try. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Called immediately after ssh has started, so that the state file contains every running process. */
  save: (tunnel: Tunnel) => Promise<void>;
}

const POLL_MS = 100;
/**
 * Time after which a new session is started: while the manager boots, its user is not yet in the group `docker`, and a
 * session keeps the groups with which it started.
 */
const ATTEMPT_MS = 20_000;
const PAUSE_MS = 1000;
const CONCLUSIVE_AFTER_MS = 5000;
const STOP_MS = 3000;

/**
 * Opens a tunnel to a manager, which stays open when this process ends, and waits until Docker answers through it.
 * @throws {UserError} if the host has another key, rejects our key, or does not answer in time.
 */
export async function openTunnel(host: SshHost, options: TunnelOptions): Promise<Tunnel> {
  const { timeoutMs, signal } = options;
  const deadline = Date.now() + timeoutMs;
  const nextAttempt = attempts({ everyMs: PAUSE_MS, timeoutMs, signal });
  await makeFolders(options.directory, 0o700);
  await writeFile(knownHosts(options.directory), `${host.alias} ${host.hostKey}\n`, { mode: 0o600 });
  let earlier: UserError | undefined;
  for (;;) {
    const tunnel = await start(host, options);
    const startedAt = Date.now();
    const failure = await failureOf(tunnel, host, { ...options, deadline });
    if (failure === undefined) return tunnel;
    await closeTunnel(tunnel);
    signal?.throwIfAborted();
    // After a short attempt, the error of the previous one is more informative.
    const isConclusive = failure.final || Date.now() - startedAt >= CONCLUSIVE_AFTER_MS;
    if (failure.final || !(await nextAttempt()))
      throw isConclusive ? failure.error : (earlier ?? failure.error);
    earlier = failure.error;
  }
}

/** Returns whether the ssh process of a tunnel is running. Another process with the same pid does not count. */
export function isOpen(tunnel: Tunnel | undefined): tunnel is Tunnel {
  return tunnel !== undefined && isAlive(tunnel);
}

/** Closes the tunnel. One that is closed already is not an error. */
export async function closeTunnel(tunnel: Tunnel): Promise<void> {
  await stopAll([tunnel], STOP_MS);
  await rm(tunnel.dockerSocket, { force: true });
}

async function start(host: SshHost, options: TunnelOptions): Promise<Tunnel> {
  await makeFolders(options.socketDirectory, 0o700);
  const dockerSocket = path.join(options.socketDirectory, "docker.sock");
  await rm(dockerSocket, { force: true });
  const ports: Record<string, number> = {};
  for (const [name, preferred] of Object.entries(FORWARDS)) {
    ports[name] = await freePort(options.ports?.[name] ?? preferred, Object.values(ports));
  }
  const log = path.join(options.directory, "tunnel.log");
  const args = sshArguments(host, { ports, dockerSocket }, options.directory);
  const missing = "install the OpenSSH client";
  const identity = await startDetached("ssh", args, log, { env: process.env, freshLog: true, missing });
  const tunnel: Tunnel = { ...identity, log, ports, dockerSocket };
  try {
    await options.save(tunnel);
  } catch (error) {
    await closeTunnel(tunnel);
    throw error;
  }
  return tunnel;
}

/** Returns the arguments of ssh, which override all settings of the user. @see ssh_config(5) */
function sshArguments(
  host: SshHost,
  { ports, dockerSocket }: Pick<Tunnel, "ports" | "dockerSocket">,
  directory: string,
): string[] {
  const settings = {
    BatchMode: "yes",
    IdentitiesOnly: "yes",
    IdentityAgent: "none",
    AddKeysToAgent: "no",
    ForwardAgent: "no",
    ControlMaster: "no",
    ControlPath: "none",
    UserKnownHostsFile: quote(knownHosts(directory)),
    GlobalKnownHostsFile: "none",
    StrictHostKeyChecking: "yes",
    HostKeyAlias: host.alias,
    HostKeyAlgorithms: host.hostKey.split(" ")[0]!,
    UpdateHostKeys: "no",
    CheckHostIP: "no",
    ExitOnForwardFailure: "yes",
    StreamLocalBindUnlink: "yes",
    StreamLocalBindMask: "0177",
    ConnectTimeout: "15",
    ServerAliveInterval: "15",
    ServerAliveCountMax: "4",
  };
  const forwards = Object.entries(FORWARDS).map(
    ([name, remote]) => `127.0.0.1:${ports[name]!}:127.0.0.1:${remote}`,
  );
  return [
    ...["-N", "-T", "-F", "none", "-i", host.keyFile, "-l", host.user],
    ...Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    ...[...forwards, `${dockerSocket}:${DOCKER_SOCKET}`].flatMap((forward) => ["-L", forward]),
    "--",
    host.address,
  ];
}

/** Waits until Docker answers through the tunnel, and returns undefined; otherwise returns the reason. */
async function failureOf(
  tunnel: Tunnel,
  host: SshHost,
  { signal, deadline }: { signal?: AbortSignal | undefined; deadline: number },
): Promise<{ error: UserError; final: boolean } | undefined> {
  const timeoutMs = Math.min(ATTEMPT_MS, deadline - Date.now());
  const nextLook = attempts({ everyMs: POLL_MS, timeoutMs });
  for (;;) {
    if (signal?.aborted) {
      await closeTunnel(tunnel);
      signal.throwIfAborted();
    }
    if (await dockerAnswers(tunnel.dockerSocket)) return undefined;
    if (!isAlive(tunnel) || !(await nextLook())) return await explain(tunnel, host);
  }
}

async function explain(tunnel: Tunnel, host: SshHost): Promise<{ error: UserError; final: boolean }> {
  const output = await readFile(tunnel.log, "utf8");
  return explainSsh(output, host.address, isAlive(tunnel));
}

function knownHosts(directory: string): string {
  return path.join(directory, "known_hosts");
}

/** Quotes a value that may contain spaces, and escapes %, which starts a token. @see ssh_config(5), "TOKENS" */
function quote(file: string): string {
  return `"${file.replaceAll("%", "%%")}"`;
}
