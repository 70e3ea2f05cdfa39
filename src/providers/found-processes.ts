import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { UserError } from "../errors.ts";
import { identify, type ProcessIdentity } from "../system/identity.ts";
import { stateDirectory } from "../system/paths.ts";
import { outputOf } from "../system/program.ts";
import { redisDirectory, swarmsDirectory } from "./swarm-folders.ts";

/** A process of a local swarm that was found by its command line and working directory instead of the state file. */
export interface FoundProcess extends ProcessIdentity {
  role: "redis" | "builder" | "runner" | "dashboard";
  /** State directory of its swarm; for a dashboard, the swarm's name. */
  directory: string;
  args: string[];
}

/** Returns the processes of this user on this host that belong to the swarm with this state directory. */
export function findProcesses(directory: string): FoundProcess[] {
  const name = path.basename(directory).split("@")[0]!; // a dashboard's command line contains only the name
  const real = resolved(directory);
  return findAllProcesses().filter(
    (found) => found.directory === directory || found.directory === real || found.directory === name,
  );
}

/** Returns the processes of all local swarms of this user on this host. */
export function findAllProcesses(): FoundProcess[] {
  return commandLines().flatMap(({ pid, args }) => {
    const found = roleOf(pid, args);
    const identity = found && identify(pid);
    return identity ? [{ ...found, args, ...identity }] : [];
  });
}

/** How a Redis of a swarm names itself. Its program may have any name: see REDIS_SERVER. */
const REDIS_TITLE = /unixsocket:(\S.*)\/redis\.sock/;

function roleOf(pid: number, args: readonly string[]): Pick<FoundProcess, "role" | "directory"> | undefined {
  const title = args.join(" ");
  if (REDIS_TITLE.test(title)) return redisOf(pid, title);
  const worker = args.findIndex((arg) => path.basename(arg) === "swarm-worker.js");
  if (worker >= 0) return workerOf(args.slice(worker + 1));
  const tool = args.findIndex((arg) => path.basename(arg) === "swarm-tool.js");
  if (tool < 0 || args[tool + 1] !== "dashboard" || args[tool + 3] !== "--background") return undefined;
  return stateDirectoryOf(pid) === stateDirectory()
    ? { role: "dashboard", directory: args[tool + 2]! }
    : undefined;
}

/** Returns the swarm of a Redis by its working directory, which is its data directory, even if that was removed. */
function redisOf(pid: number, title: string): Pick<FoundProcess, "role" | "directory"> | undefined {
  const socket = REDIS_TITLE.exec(title)?.[1];
  const data = process.platform === "linux" ? workingDirectory(pid) : socket && redisDirectory(socket);
  if (data === undefined || path.basename(data) !== "redis" || socket === undefined) return undefined;
  return { role: "redis", directory: path.dirname(data) };
}

function workerOf(args: readonly string[]): Pick<FoundProcess, "role" | "directory"> | undefined {
  const [role] = args;
  const results = args[args.indexOf("--results") + 1];
  if ((role !== "builder" && role !== "runner") || results === undefined || !args.includes("--results"))
    return undefined;
  const directory = path.dirname(results);
  return path.dirname(directory) === swarmsDirectory() ? { role, directory } : undefined;
}

function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, "");
  } catch {
    return undefined; // it has ended, or belongs to another user
  }
}

/** Returns the state directory that a process uses according to its environment. */
function stateDirectoryOf(pid: number): string | undefined {
  try {
    const lines = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    const env: NodeJS.ProcessEnv = Object.fromEntries(
      lines.map((line) => [line.split("=")[0]!, line.slice(line.indexOf("=") + 1)]),
    );
    const { XDG_STATE_HOME: configured, HOME: home } = env;
    return stateDirectory({ XDG_STATE_HOME: configured || path.join(home ?? "/", ".local/state") });
  } catch {
    return undefined; // it has ended, or there is no /proc
  }
}

function resolved(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return directory; // it has been removed
  }
}

interface CommandLine {
  pid: number;
  args: string[];
}

/** Returns the command lines of this user's processes in this PID namespace. */
function commandLines(): CommandLine[] {
  if (process.platform !== "linux") return psLines();
  const own = namespaceOf("self");
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      if (statSync(`/proc/${pid}`).uid !== process.getuid!() || namespaceOf(pid) !== own) return [];
      const text = readFileSync(`/proc/${pid}/cmdline`, "utf8").replace(/\0+$/, "");
      return text === "" ? [] : [{ pid: Number(pid), args: text.split("\0") }];
    } catch {
      return []; // it has just ended
    }
  });
}

function namespaceOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return ""; // a kernel without namespaces, or a process of another user
  }
}

/** Returns the command lines that ps(1) shows, in which arguments that contain spaces are split. */
function psLines(): CommandLine[] {
  const text = outputOf("ps", ["-axww", "-o", "pid=,uid=,args="]);
  if (text === undefined) throw new UserError("cannot list the processes: ps fails", { hint: "install ps" });
  return text.split("\n").flatMap((line) => {
    const [, pid, uid, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    if (args === undefined || Number(uid) !== process.getuid!()) return [];
    return [{ pid: Number(pid), args: args.split(" ") }];
  });
}
