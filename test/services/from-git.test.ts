import { execFile } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, it } from "vitest";
import { newSample, newUser, type Sample, type User } from "../helpers/tool.ts";

let user: User;
let sample: Sample;
/** Plans a campaign and prints what it would execute. */
let script: string;

beforeEach(async () => {
  [user, sample] = await Promise.all([newUser(), newSample()]);
  script = path.join(user.directory, "plan.sh");
  const tool = path.resolve("bin/runall-swarm.js");
  const plan = `"${process.execPath}" "${tool}" -C "${sample.study}" -c Quick --dry-run`;
  await writeFile(
    script,
    `#!/bin/sh\n${plan} >"${user.directory}/told" 2>&1\necho "exit $?" >>"${user.directory}/told"\n`,
  );
  await chmod(script, 0o755);
});
afterEach(async () => {
  await sample[Symbol.asyncDispose]();
  await user[Symbol.asyncDispose]();
});

const git = async (...args: string[]): Promise<void> => {
  const env = { ...user.env, GIT_EDITOR: "true" };
  await promisify(execFile)("git", args, { cwd: sample.path, env });
};

const told = (): Promise<string> => readFile(path.join(user.directory, "told"), "utf8");

it.each<[string, () => Promise<unknown>]>([
  ["an alias", () => git("-c", `alias.plan=!${script}`, "plan")],
  ["an alias in another folder", () => git("-C", "simulations", "-c", `alias.plan=!${script}`, "plan")],
  ["a rebase", () => git("rebase", "--quiet", "--exec", script, "HEAD~1")],
  [
    "a hook before a commit of some files",
    async () => {
      await writeFile(path.join(sample.path, ".git/hooks/pre-commit"), `#!/bin/sh\nexec ${script}\n`, {
        mode: 0o755,
      });
      await sample.write({ "README.md": "changed\n" });
      await git("commit", "--quiet", "--message=x", "--", "README.md");
    },
  ],
  [
    "a bisection",
    async () => {
      await git("bisect", "start", "HEAD", "HEAD~2");
      await git("bisect", "run", script);
      await git("bisect", "reset");
    },
  ],
])("plans the same campaign from %s as from a terminal", async (_, call) => {
  await sample.commit({ "simulations/other.ini": "[General]\n" });
  const { stdout, exitCode } = await user.run("runall-swarm", ["-c", "Quick", "--dry-run"], {
    cwd: sample.study,
  });
  expect(exitCode).toBe(0);
  await call();
  const lines = (await told()).split("\n");
  const runs = stdout.split("\n").filter((line) => line.includes("Quick"));
  expect(runs).not.toEqual([]);
  expect(lines).toEqual(expect.arrayContaining(runs));
  expect(lines.at(-2)).toBe("exit 0");
});
