import { spawn } from "node:child_process";
import { mkdir, symlink } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { findProgram } from "../../scripts/setup.js";
import { describeWithService } from "../helpers/services.ts";
import { newUser } from "../helpers/tool.ts";

const BIN = path.resolve(import.meta.dirname, "../../bin/swarm-tool.js");
/** What a terminal sends for Ctrl-C and Ctrl-D. */
const [CTRL_C, CTRL_D] = ["\u0003", "\u0004"];

/** Lets `swarm-tool init --local` ask on a terminal whether to install the queue's server. */
async function answer(keys: string): Promise<{ printed: string; exitCode: number }> {
  await using user = await newUser();
  const programs = path.join(user.directory, "programs");
  await mkdir(programs);
  await symlink(findProgram("python3")!, path.join(programs, "python3")); // what an installation needs
  const command = `${process.execPath} ${BIN} init --local`;
  const script = spawn(findProgram("script")!, ["-qefc", command, "/dev/null"], {
    env: { ...user.env, PATH: programs, SHELL: "/bin/sh" },
    cwd: user.directory,
  });
  user.adopt(script);
  let printed = "";
  let isAsked = false;
  for await (const chunk of script.stdout) {
    printed += String(chunk);
    if (isAsked || !printed.includes("[y/N]")) continue;
    isAsked = true;
    script.stdin.write(keys);
  }
  const exitCode = await new Promise<number>((resolve) => {
    if (script.exitCode !== null) resolve(script.exitCode);
    else script.once("exit", (code) => resolve(code ?? -1));
  });
  return { printed, exitCode };
}

describeWithService("script", "a question", () => {
  it("is interrupted by Ctrl-C like everything else", async () => {
    const { printed, exitCode } = await answer(CTRL_C);
    expect(printed).toContain("swarm-tool: interrupted");
    expect(printed).not.toContain("bug");
    expect(exitCode).toBe(130);
  });

  it.each([
    ["Ctrl-D", CTRL_D],
    ["the Enter key", "\r"],
    ["no", "no\r"],
  ])("is declined by %s", async (_, keys) => {
    const { printed, exitCode } = await answer(keys);
    expect(printed).toContain("nothing was installed, and no swarm was created");
    expect(exitCode).toBe(0);
  });
});
