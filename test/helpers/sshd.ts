import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import { userInfo } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findProgram } from "../../scripts/setup.js";
import { errorCode } from "../../src/errors.ts";
import { runProgram } from "../../src/system/program.ts";
import { freePort } from "../../src/system/ports.ts";
import { temporaryDirectory } from "./temporary.ts";

/** A machine like the manager: a real sshd with its own host key, and something that answers like Docker. */
export interface Manager extends AsyncDisposable {
  port: number;
  user: string;
  /** `ssh-ed25519 AAAA…` */
  hostKey: string;
  /**
   * Folder with an `ssh` that reaches this machine under any address, and a `docker` that answers for the machine behind
   * the tunnel's socket; must be first on PATH.
   */
  bin: string;
  /** The commands for its docker, one a line. */
  dockerCalls(): Promise<string[]>;
  /** The environment with which its services were deployed last, as `NAME=value` lines. */
  stackVariables(): Promise<string>;
  /** Lets the tasks of its services have started at a time; otherwise, they have just started. */
  startTasks(at: Date): Promise<void>;
  /** Replaces it by another machine, on which nothing is deployed. */
  replace(): Promise<void>;
  /** Admits only this key. */
  allow(publicKey: string): Promise<void>;
  /** Cuts all connections, like a network failure. */
  cut(): void;
  stop(): Promise<void>;
  start(): Promise<void>;
}

const REMOTE_SOCKET = "/var/run/docker.sock";
const REMOTE_QUEUE = "127.0.0.1:6379";

interface ManagerOptions {
  /** Settings of sshd. @see sshd_config(5) */
  sshd?: Record<string, string>;
  /** Socket of the Redis that is the queue of its services; without one nothing answers on the queue's port. */
  queue?: string;
}

export async function startManager({ sshd: more = {}, queue }: ManagerOptions = {}): Promise<Manager> {
  const folder = await temporaryDirectory("swarm-sshd-");
  const port = await freePort(0);
  const hostKeyFile = path.join(folder.path, "host_key");
  const authorized = path.join(folder.path, "authorized_keys");
  const bin = path.join(folder.path, "bin");
  const dockerSocket = path.join(folder.path, "docker.sock");
  await runProgram("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", hostKeyFile]);
  await writeFile(authorized, "", { mode: 0o600 });
  await writeConfig(folder.path, { port, hostKeyFile, authorized, more });
  const places: [string, string][] = [[REMOTE_SOCKET, dockerSocket]];
  if (queue !== undefined) places.push([REMOTE_QUEUE, queue]);
  await writeSsh(bin, port, places);
  await writeDocker(bin, { STAND_IN_MACHINE: folder.path, STAND_IN_QUEUE: queue ?? "" });
  const docker = await startDocker(dockerSocket);
  let sshd: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    // The privilege separation folder of Debian's sshd: its service makes it at boot.
    if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true });
    sshd = spawn(findProgram("sshd")!, ["-D", "-e", "-f", path.join(folder.path, "sshd_config")], {
      stdio: "ignore",
    });
    await answers(port, sshd);
  };
  const cut = (): void => {
    for (const pid of sessions(sshd!.pid!)) killLiving(pid);
  };
  const stop = async (): Promise<void> => {
    if (sshd?.exitCode !== null || sshd.signalCode !== null) return;
    const exited = once(sshd, "exit");
    sshd.kill("SIGSTOP"); // so that no connection is opened in between
    cut();
    sshd.kill("SIGKILL");
    await exited;
  };
  await start();
  return {
    port,
    user: userInfo().username,
    hostKey: (await readFile(`${hostKeyFile}.pub`, "utf8")).split(" ").slice(0, 2).join(" "),
    bin,
    dockerCalls: async () => (await readFile(path.join(folder.path, "docker-calls"), "utf8")).split("\n"),
    stackVariables: () => readFile(path.join(folder.path, "stack-variables"), "utf8"),
    startTasks: (at) => writeFile(path.join(folder.path, "tasks-since"), at.toISOString()),
    async replace() {
      for (const file of ["services", "secrets", "docker-calls"])
        await rm(path.join(folder.path, file), { force: true });
    },
    allow: (publicKey) => writeFile(authorized, `${publicKey}\n`, { mode: 0o600 }),
    cut,
    stop,
    start,
    async [Symbol.asyncDispose]() {
      await stop();
      docker.closeAllConnections();
      docker.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function killLiving(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (errorCode(error) !== "ESRCH") throw error; // it has just ended by itself
  }
}

/** The processes of an sshd's connections: each is the leader of its own session. */
function sessions(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return children === "" ? [] : children.split(" ").map(Number);
}

async function writeConfig(
  folder: string,
  { port, ...config }: { port: number } & SshdConfig,
): Promise<void> {
  const listen = `Port ${port}\nListenAddress 127.0.0.1\n`;
  await writeFile(path.join(folder, "sshd_config"), listen + sshdConfig(config));
}

interface SshdConfig {
  hostKeyFile: string;
  /** File with the keys that are admitted. */
  authorized: string;
  /** Further settings. */
  more?: Record<string, string>;
}

/** The ssh configuration of a machine that only accepts keys. */
export function sshdConfig({ hostKeyFile, authorized, more }: SshdConfig): string {
  const settings = {
    HostKey: hostKeyFile,
    AuthorizedKeysFile: authorized,
    PidFile: "none",
    PermitRootLogin: "prohibit-password",
    PasswordAuthentication: "no",
    KbdInteractiveAuthentication: "no",
    StrictModes: "no", // other users can write to the folder for temporary files
    UsePAM: "no",
    ...more,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  return `${lines.join("\n")}\n`;
}

/**
 * For ssh the first value of an option is valid, so these precede those that the tool passes.
 * @param places the ends of the tunnel: where the tool assumes each to be, and where it is.
 */
async function writeSsh(bin: string, port: number, places: readonly [string, string][]): Promise<void> {
  await mkdir(bin);
  const file = path.join(bin, "ssh");
  const replace = places.map(([from, to]) => `arg="\${arg/:${from.replaceAll("/", "\\/")}/:${to}}"`);
  const script = `#!/bin/bash
args=()
for arg in "$@"; do
  ${replace.join("\n  ")}
  args+=("$arg")
done
exec ${findProgram("ssh")!} -o HostName=127.0.0.1 -o Port=${port} "\${args[@]}"
`;
  await writeFile(file, script);
  await chmod(file, 0o755);
}

async function writeDocker(bin: string, variables: Record<string, string>): Promise<void> {
  const standIn = fileURLToPath(new URL("docker-stand-in.sh", import.meta.url));
  const file = path.join(bin, "docker");
  const settings = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  await writeFile(file, `#!/bin/bash\n${settings.join(" ")} exec ${standIn} "$@"\n`);
  await chmod(file, 0o755);
}

async function startDocker(socket: string): Promise<Server> {
  const docker = createServer((request, response) => {
    response.statusCode = request.url === "/_ping" ? 200 : 404;
    response.end("OK");
  });
  docker.listen(socket);
  await once(docker, "listening");
  return docker;
}

async function answers(port: number, sshd: ChildProcess): Promise<void> {
  while (sshd.exitCode === null) {
    const socket = connect(port, "127.0.0.1");
    const greeted = await Promise.race([
      once(socket, "data").then(() => true),
      once(socket, "close").then(() => false),
      once(socket, "error").then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (greeted) return;
    await delay(20);
  }
  throw new Error(`sshd ended at once, with ${sshd.exitCode}`);
}
