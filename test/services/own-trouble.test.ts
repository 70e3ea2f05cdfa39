import { hostname } from "node:os";
import path from "node:path";
import { Queue, Worker, type Job } from "bullmq";
import { Redis } from "ioredis";
import { expect, it } from "vitest";
import type { Campaign } from "../../src/model/campaign.ts";
import { PROTOCOL } from "../../src/model/protocol.ts";
import { campaignKey, RUN_QUEUE, socketConnection } from "../../src/queue/names.ts";
import { describeWithService } from "../helpers/services.ts";
import { smallDisk } from "../helpers/small-disk.ts";
import {
  cacheFolder,
  eventually,
  jobsOf,
  listen,
  mustRun,
  NO_JOBS,
  pidsOf,
  queued,
  researcher,
  startRunner,
  stateFolder,
} from "../helpers/swarm.ts";
import { removeInUse } from "../helpers/temporary.ts";

describeWithService("redis-server", "a worker's own failure", () => {
  it("is not the result of a run: the cache is emptied while the runner works", async () => {
    await using user = await researcher(50);
    const client = user.startRunall("-c", "Quick", "--repeat=10");
    await listen(client)("[4/40]");
    await removeInUse(cacheFolder(user));
    const { exitCode, stdout, stderr } = await client.finished;
    expect(stdout + stderr).toMatch(/40 runs in .*: 40 done\./);
    expect(exitCode).toBe(0);
    expect((await user.sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(40);
    expect(await jobsOf(user)).toEqual(NO_JOBS);
  });

  it("does not affect a campaign that nobody follows: a lost build is executed again", async () => {
    await using user = await researcher(50);
    await queued(user, "-c", "Quick", "-r", "0");
    await eventually(async () => expect(await jobsOf(user)).toEqual({ ...NO_JOBS, uncollected: 1 }));
    const { runner } = await pidsOf(user);
    process.kill(runner!, "SIGSTOP");
    const id = await queued(user, "-c", "Quick", "--repeat=2", "--rerun");
    await removeInUse(path.join(cacheFolder(user), "builds"));
    await removeInUse(path.join(cacheFolder(user), "slots"));
    process.kill(runner!, "SIGCONT");
    await eventually(async () => expect(await jobsOf(user)).toEqual({ ...NO_JOBS, uncollected: 9 }));
    expect(await user.runall("attach", id)).toMatchObject({ exitCode: 0 });
  });

  it("is reported in status and to the client while a runner cannot work, until it is over", async (context) => {
    await using user = await researcher(0, 1);
    await mustRun(user, ["halt"]);
    using disk = await smallDisk(cacheFolder(user), 65_536, context);
    await mustRun(user, ["resume"]);
    expect(await user.runall("-c", "Quick", "-r", "0")).toMatchObject({ exitCode: 0 });
    await disk.protect("ro");
    const client = user.startRunall("-c", "Quick", "-r", "1..3");
    const saw = listen(client);
    await saw("has stopped taking jobs: ");
    const { stdout } = await user.run("swarm-tool", ["status"]);
    expect(stdout).toMatch(
      /the runner on \S+ has stopped taking jobs: cannot use .*: EROFS: read-only file system$/m,
    );
    await disk.protect("rw");
    const { exitCode, stdout: told } = await client.finished;
    expect(told).toMatch(/3 runs in .*: 3 done/);
    expect(exitCode).toBe(0);
    await eventually(async () => {
      expect((await user.run("swarm-tool", ["status"])).stdout).not.toContain("has stopped taking jobs");
    });
  });

  it("leaves a run to a machine that works", async (context) => {
    await using user = await researcher(100, 1);
    const broken = path.join(user.directory, "broken");
    using disk = await smallDisk(broken, 65_536, context);
    startRunner(user, "runner", "--directory", broken);
    expect(await user.runall("-c", "Quick", "-r", "0..3")).toMatchObject({ exitCode: 0 });
    await disk.protect("ro");
    const { exitCode, stdout } = await user.runall("-c", "Quick", "--repeat=5", "--rerun");
    expect(stdout).toMatch(/20 runs in .*: 20 done/);
    expect(exitCode).toBe(0);
  });

  it("ends a run as lost if nobody can send the missing files again, with the reason and the machine", async () => {
    await using user = await researcher(50);
    const id = await queued(user, "-c", "Endless", "-r", "0");
    await user.runall("cancel", id);
    const connection = socketConnection(path.join(stateFolder(user), "redis.sock"));
    const queue = new Queue(RUN_QUEUE, { connection });
    const redis = new Redis(connection);
    const text = await redis.get(campaignKey(id));
    const campaign = JSON.parse(text!) as Campaign;
    const source = { commit: "a".repeat(40), tree: "b".repeat(40), packs: ["b".repeat(40)] };
    await redis.set(campaignKey("lost"), JSON.stringify({ ...campaign, id: "lost", source }));
    const run = { config: campaign.config, runNumber: 0, iterationVariables: {}, repetition: 0 };
    await queue.add("lost", { protocol: PROTOCOL, campaign: "lost", run }, { jobId: "lost-0" });
    await eventually(async () => {
      expect((await queue.getJob("lost-0"))?.returnvalue).toMatchObject({
        outcome: {
          state: "lost",
          reason: `no worker could start it: ${hostname()}: the source bbbbbbbbbbbb is no longer in the swarm (hint: run the command again to resend it)`,
        },
      });
    });
    await queue.remove("lost-0");
    await redis.del(campaignKey("lost"));
    await queue.close();
    redis.disconnect();
  });

  it("does not prevent a run from being cancelled", async () => {
    await using user = await researcher(50);
    const { runner } = await pidsOf(user);
    process.kill(runner!, "SIGSTOP");
    const id = await queued(user, "-c", "Quick");
    const queue = new Queue(RUN_QUEUE, {
      connection: socketConnection(path.join(stateFolder(user), "redis.sock")),
    });
    for (const number of [0, 1]) {
      const worker = new Worker(RUN_QUEUE, null, { connection: queue.opts.connection });
      const job = (await worker.getNextJob("token")) as Job | undefined;
      await job!.moveToDelayed(Date.now() + 3_600_000, "token");
      expect(job!.id).toBe(`${id}-${number}`);
      await worker.close();
    }
    expect(await jobsOf(user)).toEqual({ ...NO_JOBS, waiting: 8 });
    await user.runall("cancel", id);
    expect(await jobsOf(user)).toEqual(NO_JOBS);
    process.kill(runner!, "SIGCONT");
    await queue.close();
  });
});
