import { existsSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { newerDocker } from "../../scripts/newer-docker.js";
import { describeWithDocker, startDocker, type DockerHost } from "../helpers/docker.ts";
import { newSample, newUser, type Finished, type User } from "../helpers/tool.ts";

const isProvided = newerDocker().every((folder) => existsSync(folder));
if (!isProvided && process.env["REQUIRE_SERVICES"] !== "1")
  console.warn("SKIPPED tests with a newer Docker: npm test unpacks it, on Debian");

// Of the other tests of swarms on Docker, those in `swarm` and `three-nodes` pass with it, too.
describeWithDocker("a swarm on a newer Docker", () => {
  let host: DockerHost;
  let user: User;
  beforeAll(async () => {
    if (!isProvided) return;
    vi.stubEnv("PATH", [...newerDocker(), process.env["PATH"]!].join(path.delimiter));
    host = await startDocker();
    user = await newUser();
  }, 300_000);
  afterAll(async () => {
    if (!isProvided) return;
    await user[Symbol.asyncDispose]();
    await host[Symbol.asyncDispose]();
    vi.unstubAllEnvs();
  }, 120_000);

  it.skipIf(!isProvided && process.env["REQUIRE_SERVICES"] !== "1")(
    "executes campaigns before and after it was halted, and leaves nothing behind",
    async () => {
      expect(isProvided, "npm test unpacks it").toBe(true);
      const version = await host.docker("version", "--format", "{{.Server.Version}} {{.Client.Version}}");
      expect(version).toMatch(/^2[6-9]\.\d\S* 2[6-9]\.\d/);
      await using sample = await newSample();
      const must = async (finished: Promise<Finished>): Promise<void> => {
        expect(await finished).toMatchObject({ exitCode: 0 });
      };
      const runall = (...args: string[]): Promise<Finished> =>
        user.run("runall-swarm", [...args, "--swarm", "s"], { cwd: sample.study });
      await must(user.run("swarm-tool", ["init", "s", "--docker", "--host", host.host, ...host.options]));
      await must(runall("-c", "Quick"));
      await must(user.run("swarm-tool", ["halt", "s"]));
      await must(user.run("swarm-tool", ["resume", "s"]));
      await must(runall("-c", "Quick", "--rerun"));
      await must(user.run("swarm-tool", ["remove", "s", "--force"]));
      for (const kind of ["service", "config", "secret", "volume"])
        expect(await host.docker(kind, "ls", "--quiet")).toBe("");
    },
    300_000,
  );
});
