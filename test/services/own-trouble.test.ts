import { rm } from "node:fs/promises";
import { expect, it } from "vitest";
import { describeWithService } from "../helpers/services.ts";
import { cacheFolder, jobsOf, listen, NO_JOBS, researcher } from "../helpers/swarm.ts";

describeWithService("redis-server", "a worker's own trouble", () => {
  it("is no result of a run: the cache is emptied under the runner", async () => {
    await using user = await researcher(50);
    const client = user.startRunall("-c", "Quick", "--repeat=10");
    await listen(client)("[4/40]");
    await rm(cacheFolder(user), { recursive: true, force: true, maxRetries: 20 });
    const { exitCode, stdout, stderr } = await client.finished;
    expect(stdout + stderr).toMatch(/40 runs in .*: 40 done\./);
    expect(exitCode).toBe(0);
    expect((await user.sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(40);
    expect(await jobsOf(user)).toEqual(NO_JOBS);
  });
});
