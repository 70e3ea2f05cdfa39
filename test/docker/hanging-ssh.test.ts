import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { docker } from "../../src/providers/docker/cli.ts";
import { describeWithService } from "../helpers/services.ts";
import { isAlive } from "../helpers/swarm.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

describeWithService("docker", "docker over an ssh that hangs", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("ends with a message after its time limit, and leaves no ssh behind", async () => {
    await using folder = await temporaryDirectory();
    const pidFile = path.join(folder.path, "pid");
    const script = `#!/bin/sh\necho $$ >${pidFile}\nexec sleep 600\n`;
    await writeFile(path.join(folder.path, "ssh"), script, { mode: 0o755 });
    vi.stubEnv("PATH", `${folder.path}${path.delimiter}${process.env["PATH"]!}`);
    const asking = docker({ host: "ssh://me@far" }, ["version"], { timeoutMs: 10_000 });
    await expect(asking).rejects.toThrow("Docker at ssh://me@far is not responding: no response within 10 s");
    const pid = Number(await readFile(pidFile, "utf8"));
    await expect.poll(() => isAlive(pid)).toBe(false);
  });
});
