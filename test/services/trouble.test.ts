import { execFileSync } from "node:child_process";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { Queue } from "bullmq";
import { afterAll, beforeAll, expect, it, type TestContext } from "vitest";
import { Redis } from "ioredis";
import { campaignKey, RUN_QUEUE, socketConnection } from "../../src/queue/names.ts";
import { describeWithService } from "../helpers/services.ts";
import {
  cacheFolder,
  jobsOf,
  listen,
  mustRun,
  NO_JOBS,
  onlyCampaign,
  queued,
  researcher,
  stateFolder,
  type Researcher,
} from "../helpers/swarm.ts";

/** A disk of its own, on which a test can run out of room. */
async function smallDisk(directory: string, sizeKb: number, { skip }: TestContext) {
  await mkdir(directory, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeKb}k`, "none", directory], { stdio: "pipe" });
  } catch {
    skip("SKIPPED: a small disk can only be mounted by root");
  }
  return {
    enlarge: () => execFileSync("mount", ["-o", "remount,size=64m", directory]),
    [Symbol.dispose]: () => execFileSync("umount", ["--lazy", directory]),
  };
}

describeWithService("redis-server", "a campaign in trouble", () => {
  let user: Researcher;
  beforeAll(async () => {
    user = await researcher(50);
  });
  afterAll(() => user[Symbol.asyncDispose]());

  it("stops when the disk of the study is full, and is collected when there is room again", async (context) => {
    const results = path.join(user.sample.study, "results");
    using disk = await smallDisk(results, 24, context);
    const { exitCode, stderr } = await user.runall("-c", "Quick");
    expect(stderr).toMatch(`results cannot be stored in ${results}: ENOSPC`);
    const id = /nothing is lost, .* runall-swarm attach (\S+)/.exec(stderr)![1]!;
    expect(exitCode).toBe(2);
    disk.enlarge();
    expect(await user.runall("attach", id)).toMatchObject({ exitCode: 0 });
    expect((await user.sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(8);
    expect(await jobsOf(user)).toEqual(NO_JOBS);
  });

  it("goes on when the result directory was in the way meanwhile", async () => {
    const id = await queued(user, "-c", "Quick");
    const results = path.join(user.sample.study, "results");
    await rm(results, { recursive: true, force: true });
    await writeFile(results, "a file, not a folder");
    const { exitCode, stderr } = await user.runall("attach", id);
    expect(stderr).toMatch(`results cannot be stored in ${results}: `);
    expect(exitCode).toBe(2);
    await rm(results);
    expect(await user.runall("attach", id)).toMatchObject({ exitCode: 0 });
    expect((await user.sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(8);
  });

  it("puts up with a result directory that is removed while it runs", async () => {
    const running = user.startRunall("-c", "Quick", "--repeat=8");
    await listen(running)("[3/32]");
    await rename(path.join(user.sample.study, "results"), path.join(user.directory, "taken away"));
    const { exitCode, stderr } = await running.finished;
    if (exitCode === 0) return; // what came later is there
    expect(stderr).toMatch("results cannot be stored");
    expect(exitCode).toBe(2);
    const id = await onlyCampaign(user);
    expect(await user.runall("attach", id)).toMatchObject({ exitCode: 0 });
  });

  it("tells which field of a job is malformed, and goes on with the others", async () => {
    const connection = socketConnection(path.join(stateFolder(user), "redis.sock"));
    const queue = new Queue(RUN_QUEUE, { connection });
    const redis = new Redis(connection);
    const id = await queued(user, "-c", "Endless");
    await user.runall("cancel", id);
    const campaign = JSON.parse((await redis.get(campaignKey(id)))!) as { runs: number };
    await redis.set(campaignKey("bad"), JSON.stringify({ ...campaign, id: "bad", runs: "many" }));
    await queue.add("bad", { protocol: 1, campaign: 7 }, { jobId: "bad-0" });
    await queue.add("bad", { protocol: 1, campaign: "bad", run: {} }, { jobId: "bad-1" });
    await expect
      .poll(async () => (await queue.getJob("bad-0"))?.returnvalue as unknown)
      .toMatchObject({ outcome: { reason: expect.stringMatching(/queued run.*campaign/s) as string } });
    await expect
      .poll(async () => (await queue.getJob("bad-1"))?.returnvalue as unknown)
      .toMatchObject({ outcome: { reason: expect.stringMatching(/queued run.*run/s) as string } });
    await Promise.all([queue.remove("bad-0"), queue.remove("bad-1"), redis.del(campaignKey("bad"))]);
    await queue.close();
    redis.disconnect();
    expect(await user.runall("-c", "Quick", "-r", "0")).toMatchObject({ exitCode: 0 });
  });
});

describeWithService("redis-server", "a worker in trouble", () => {
  it("tells that its disk is full, and makes the runs when there is room", async (context) => {
    await using user = await researcher(0, 1);
    await mustRun(user, ["halt"]);
    using disk = await smallDisk(path.join(cacheFolder(user), "slots"), 512, context);
    await mustRun(user, ["resume"]);
    const { exitCode, stdout } = await user.runall("-c", "Quick", "-r", "0");
    expect(stdout).toMatch(/the disk of .* is full|ENOSPC/);
    expect(exitCode).toBe(1);
    disk.enlarge();
    expect(await user.runall("retry", await onlyCampaign(user))).toMatchObject({ exitCode: 0 });
  });
});
