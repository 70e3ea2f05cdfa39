import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import { end, inNamespaces } from "./namespaces.ts";
import type { Finished } from "./tool.ts";

const BIN = fileURLToPath(new URL("../../bin", import.meta.url));

/** A machine with a name, processes and mounts of its own that shares the files of this one, like the nodes of a cluster. */
export interface LoginNode extends AsyncDisposable {
  run(tool: "runall-swarm" | "swarm-tool", args: readonly string[], cwd?: string): Promise<Finished>;
  /** Command lines of its processes. */
  processes(): Promise<string[]>;
  /** Ends all its processes, like a power failure. */
  stop(): Promise<void>;
}

export interface LoginNodeOptions {
  name: string;
  env: NodeJS.ProcessEnv;
  /** A folder for its boot id, if it should differ from that of this machine. */
  boot?: { id: string; folder: string };
}

export async function startLoginNode({ name, env, boot }: LoginNodeOptions): Promise<LoginNode> {
  const namespaces = ["--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const bootFile = boot && path.join(boot.folder, `boot-${boot.id}`);
  if (bootFile !== undefined) await writeFile(bootFile, `${boot!.id}\n`);
  const script =
    'hostname "$1"; [ -z "$2" ] || mount --bind "$2" /proc/sys/kernel/random/boot_id; : >"$3"; exec sleep infinity';
  const ready = path.join(env["HOME"]!, `ready-${name}-${Math.random()}`);
  const machine = inNamespaces(namespaces, ["sh", "-c", script, "sh", name, bootFile ?? "", ready]);
  await vi.waitFor(() => readFile(ready), { timeout: 20_000, interval: 20 });
  const init = await firstProcess(machine);
  const enter = async (command: readonly string[], cwd: string): Promise<Finished> => {
    const args = ["--target", init, "--uts", "--mount", "--pid", `--wd=${cwd}`, "--", ...command];
    const child = spawn("nsenter", args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const closed = once(child, "close") as Promise<[number | null]>;
    const [[code], stdout, stderr] = await Promise.all([closed, text(child.stdout), text(child.stderr)]);
    return { exitCode: code ?? -1, stdout, stderr };
  };
  return {
    run: (tool, args, cwd = env["HOME"]!) =>
      enter([process.execPath, path.join(BIN, `${tool}.js`), ...args], cwd),
    async processes() {
      const { stdout } = await enter(["ps", "-eo", "stat=,args="], "/");
      const lines = stdout.split("\n").filter((line) => line !== "" && !line.startsWith("Z"));
      return lines.map((line) => line.replace(/^\S+\s+/, "")).filter((line) => !/^(ps|sleep) /.test(line));
    },
    stop: () => end(machine),
    [Symbol.asyncDispose]: () => end(machine),
  };
}

/** The first process in its namespaces, seen from here: a child of `unshare`, which `setpriv` has replaced. */
async function firstProcess({ pid }: ChildProcess): Promise<string> {
  return (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim();
}
