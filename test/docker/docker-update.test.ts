import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { dockerUpdate } from "../../src/providers/docker/docker-update.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";

const CONFLICT =
  "failed to update service s_redis: Error response from daemon: rpc error: code = Unknown desc = update out of sequence";

describe("a change of a service", () => {
  let folder: TemporaryDirectory;
  beforeEach(async () => {
    folder = await temporaryDirectory();
    vi.stubEnv("PATH", `${folder.path}${path.delimiter}${process.env["PATH"]!}`);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await folder[Symbol.asyncDispose]();
  });

  /** Installs a docker program that fails this often, and notes its arguments. */
  const failing = (times: number, message: string): Promise<void> => {
    const calls = path.join(folder.path, "calls");
    const lines = [
      `echo "$@" >>'${calls}'`,
      `[ "$(wc -l <'${calls}')" -gt ${times} ] && exit 0`,
      `echo '${message}' >&2`,
      "exit 1",
    ];
    return writeFile(path.join(folder.path, "docker"), `#!/bin/sh\n${lines.join("\n")}\n`, { mode: 0o755 });
  };
  const calls = async (): Promise<string[]> =>
    (await readFile(path.join(folder.path, "calls"), "utf8")).trim().split("\n");
  const scale = (signal?: AbortSignal): Promise<void> =>
    dockerUpdate({ host: "unix:///a.sock" }, ["service", "scale", "s_runner=3"], { signal });

  it("is repeated if Docker has changed the service at the same time", async () => {
    await failing(2, CONFLICT);
    await scale();
    expect(await calls()).toEqual(Array(3).fill("--host unix:///a.sock service scale s_runner=3"));
  });

  it("fails with Docker's message otherwise, at the first attempt", async () => {
    await failing(2, "Error: No such service: s_runner");
    await expect(scale()).rejects.toThrow("docker service scale: Error: No such service: s_runner");
    expect(await calls()).toHaveLength(1);
  });

  it("can be interrupted between two attempts", async () => {
    await failing(1e6, CONFLICT);
    const interruption = new AbortController();
    const scaling = scale(interruption.signal);
    await expect.poll(async () => (await calls().catch(() => [])).length).toBeGreaterThan(0);
    interruption.abort();
    await expect(scaling).rejects.toMatchObject({ name: "AbortError" });
  });
});
