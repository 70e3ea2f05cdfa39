import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { runDocker } from "../../src/providers/docker/run-docker.ts";
import { isAlive } from "../helpers/swarm.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

it("ends a docker that prints without end", async () => {
  await using folder = await temporaryDirectory();
  const pidFile = path.join(folder.path, "pid");
  const script = `#!/bin/sh\necho $$ >'${pidFile}'\nexec yes 'a line of some length, again and again'\n`;
  await writeFile(path.join(folder.path, "docker"), script, { mode: 0o755 });
  const env = { ...process.env, PATH: `${folder.path}${path.delimiter}${process.env["PATH"]!}` };
  const signal = new AbortController().signal;
  await expect(runDocker(["info"], { env, input: undefined, signal })).rejects.toThrow(
    "docker prints more than 64 MB",
  );
  const pid = Number(await readFile(pidFile, "utf8"));
  await expect.poll(() => isAlive(pid), { timeout: 30_000 }).toBe(false);
});
