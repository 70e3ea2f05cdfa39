import { spawn } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { STAND_IN, type User } from "./tool.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MARK = "--- end of command, exit code ";

export interface Executed {
  line: string;
  exitCode: number;
  /** What it printed on both streams, without empty lines. */
  output: string[];
}

/** Puts the tools on the user's PATH, and a `setenv` into `~/omnetpp-6.2.0` that sets up OMNeT++'s stand-in. */
export async function prepareHome(user: User): Promise<void> {
  const bin = path.join(user.directory, "bin");
  const omnetpp = path.join(user.directory, "omnetpp-6.2.0");
  await Promise.all([bin, omnetpp].map((folder) => mkdir(folder)));
  for (const tool of ["runall-swarm", "swarm-tool"]) {
    const file = path.join(bin, tool);
    await writeFile(
      file,
      `#!/bin/sh\nexec "${process.execPath}" "${path.join(ROOT, "bin", `${tool}.js`)}" "$@"\n`,
    );
    await chmod(file, 0o755);
  }
  await writeFile(path.join(omnetpp, "setenv"), `export PATH="${STAND_IN}:$PATH"\n`);
}

/** Executes commands one after the other in one bash, as a user would type them. */
export async function executeAll(user: User, cwd: string, lines: readonly string[]): Promise<Executed[]> {
  const script = lines.map((line) => `${line}\necho "${MARK}$?"`).join("\n");
  const bash = spawn("bash", ["--noprofile", "--norc", "-c", `exec 2>&1\n${script}`], {
    cwd,
    env: { ...user.env, PATH: `${path.join(user.directory, "bin")}:${user.env["PATH"]!}` },
    stdio: ["ignore", "pipe", "ignore"],
  });
  user.adopt(bash);
  const parts = (await text(bash.stdout)).split(MARK);
  return lines.map((line, index) => {
    const [code = "", printed = ""] = [parts[index + 1], parts[index]];
    const output = index === 0 ? printed : printed.slice(printed.indexOf("\n") + 1);
    return {
      line,
      exitCode: Number.parseInt(code, 10),
      output: output.split("\n").map((each) => each.trim()).filter((each) => each !== ""), // prettier-ignore
    };
  });
}
