import { execFile } from "node:child_process";
import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** Runs a program of `bin/` in a Node.js that gives itself out as another version. */
async function runAs(version: string, name: string): Promise<{ code: unknown; stderr: string }> {
  await using folder = await temporaryDirectory();
  const disguise = path.join(folder.path, "disguise.cjs");
  await writeFile(
    disguise,
    `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } });`,
  );
  return await new Promise((resolve) => {
    const args = ["--require", disguise, path.resolve("bin", name), "--version"];
    execFile(process.execPath, args, (error, _, stderr) => resolve({ code: error?.code ?? 0, stderr }));
  });
}

it("an old Node.js is refused by all three programs with one sentence", async () => {
  const programs = (await readdir("bin")).filter((name) => name.includes("swarm"));
  expect(programs).toEqual(["runall-swarm.js", "swarm-tool.js", "swarm-worker.js"]);
  for (const name of programs)
    expect(await runAs("20.18.3", name)).toEqual({
      code: 2,
      stderr: `${path.parse(name).name}: Node.js 20.19 or later is needed, this is 20.18.3\nhint: install a later one: https://nodejs.org/en/download\n`,
    });
});

it.each(["20.19.0", "22.0.0", "100.1.0"])("Node.js %s is not too old", async (version) => {
  expect(await runAs(version, "swarm-tool.js")).toEqual({ code: 0, stderr: "" });
});
