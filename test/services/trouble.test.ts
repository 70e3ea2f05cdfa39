import { PROTOCOL } from "../../src/model/protocol.ts";
import { chmod, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { Queue, Worker, type Job } from "bullmq";
import { expect, it } from "vitest";
import { Redis } from "ioredis";
import { campaignKey, RUN_QUEUE, socketConnection } from "../../src/queue/names.ts";
import { workerName } from "../../src/queue/worker-name.ts";
import { smallDisk } from "../helpers/small-disk.ts";
import { describeWithService } from "../helpers/services.ts";
import {
  cacheFolder,
  holdRuns,
  jobsOf,
  listen,
  mustRun,
  NO_JOBS,
  onlyCampaign,
  pidsOf,
  queued,
  researcher,
  stateFolder,
} from "../helpers/swarm.ts";

/** The names of both sides if a worker uses the next protocol. */
const OTHER = `protocol ${PROTOCOL + 1}, here ${PROTOCOL}`;

describeWithService("redis-server", "a campaign with failures", () => {
  it("stops when the disk of the study is full, and is collected when there is free space again", async (context) => {
    await using user = await researcher(50);
    const results = path.join(user.sample.study, "results");
    using disk = await smallDisk(results, 24, context);
    const { exitCode, stderr } = await user.runall("-c", "Quick");
    expect(stderr).toMatch(`cannot store results in ${results}: ENOSPC`);
    const id = /nothing is lost, .* runall-swarm attach (\S+)/.exec(stderr)![1]!;
    expect(exitCode).toBe(2);
    disk.enlarge();
    expect(await user.runall("attach", id)).toMatchObject({ exitCode: 0 });
    expect((await user.sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(8);
    expect(await jobsOf(user)).toEqual(NO_JOBS);
  });

  it("continues when something was in the place of the result directory for a while", async () => {
    await using user = await researcher(50);
    const id = await queued(user, "-c", "Quick");
    const results = path.join(user.sample.study, "results");
    await rm(results, { recursive: true, force: true });
    await writeFile(results, "a file, not a folder");
    const { exitCode, stderr } = await user.runall("attach", id);
    expect(stderr).toMatch(`cannot store results in ${results}: `);
    expect(exitCode).toBe(2);
    await rm(results);
    expect(await user.runall("attach", id)).toMatchObject({ exitCode: 0 });
    expect((await user.sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(8);
  });

  it("tolerates the removal of its result directory while it runs", async () => {
    await using user = await researcher(50);
    const running = user.startRunall("-c", "Quick", "--repeat=8");
    await listen(running)("[3/32]");
    await rename(path.join(user.sample.study, "results"), path.join(user.directory, "taken away"));
    const { exitCode, stderr } = await running.finished;
    expect(stderr).not.toMatch(/^ {4}at /m);
    if (exitCode === 0) return; // later results exist
    expect(stderr).toMatch("cannot store results");
    expect(exitCode).toBe(2);
    const id = await onlyCampaign(user);
    expect(await user.runall("attach", id)).toMatchObject({ exitCode: 0 });
  });

  it("stops when the result directory is no longer writable, and continues when it is", async (context) => {
    await using user = await researcher(50);
    const results = path.join(user.sample.study, "results");
    using disk = await smallDisk(results, 65_536, context);
    await using held = await holdRuns(user, 2);
    const running = user.startRunall("-c", "Quick", "--repeat=8");
    await listen(running)("[2/32]");
    await disk.protect("ro");
    await held.release();
    const { exitCode, stderr } = await running.finished;
    expect(stderr).toMatch(`cannot store results in ${results}: EROFS`);
    expect(exitCode).toBe(2);
    await disk.protect("rw");
    const [, id] = /runall-swarm attach (\S+)/.exec(stderr)!;
    expect(await user.runall("attach", id!)).toMatchObject({ exitCode: 0 });
    expect((await user.sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(32);
    expect(await jobsOf(user)).toEqual(NO_JOBS);
  });

  it("keeps the beginning and the end of an endless output of a run, and reports it", async () => {
    await using user = await researcher(50);
    await user.sample.commit({
      "simulations/flood": `#!/bin/sh
case "$*" in *"-q "*|-v) exec opp_run "$@" ;; esac
yes "there is much to tell" | head -c 60000000
exec ../src/mm1 -n ../src:. "$@"\n`,
    });
    await chmod(path.join(user.sample.study, "flood"), 0o755);
    await user.sample.commit({});
    const program = ["./flood", "-c", "Quick", "-r", "0"];
    const { exitCode, stdout, stderr } = await user.runall(...program);
    expect(stderr).toMatch(/warning: .*its output was too long; \d+ bytes .* were omitted/);
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
    const [printed] = (await user.sample.results()).filter((file) => file.endsWith(".out"));
    expect((await user.sample.read(path.join("results", printed!))).length).toBeLessThan(22 << 20);
  });

  it("is not started on workers of another version, which take none of its runs", async () => {
    await using user = await researcher(50);
    const connection = socketConnection(path.join(stateFolder(user), "redis.sock"));
    const other = new Worker(RUN_QUEUE, null, {
      connection,
      name: workerName({ protocol: PROTOCOL + 1, host: "elsewhere" }),
    });
    await other.waitUntilReady();
    const { exitCode, stderr } = await user.runall("-c", "Quick");
    expect(stderr).toMatch(`a worker on elsewhere runs another version of inet-swarm (${OTHER})`);
    expect(stderr).toMatch("nothing was queued");
    expect(exitCode).toBe(2);
    expect(await user.runall("list")).toMatchObject({ stdout: "no campaigns\n" });
    await other.close();
    expect(await user.runall("-c", "Quick", "-r", "0")).toMatchObject({ exitCode: 0 });
  });

  it.each([
    [
      "of another version",
      { protocol: PROTOCOL + 1 },
      `its worker runs another version of inet-swarm (${OTHER})`,
    ],
    [
      "that went mad",
      { protocol: PROTOCOL, outcome: { state: "fine", reason: "" } },
      "its worker's answer is malformed at outcome.state",
    ],
  ])("executes a run again that a worker %s has answered", async (_, answer, reason) => {
    await using user = await researcher(50);
    const connection = socketConnection(path.join(stateFolder(user), "redis.sock"));
    const { runner } = await pidsOf(user);
    process.kill(runner!, "SIGSTOP"); // it takes nothing, unless it waits for a job already
    try {
      const id = await queued(user, "-c", "Quick", "-r", "0");
      const other = new Worker(RUN_QUEUE, null, {
        connection,
        name: workerName({ protocol: PROTOCOL + 1, host: "elsewhere" }),
      });
      const job = (await other.getNextJob("t")) as Job | undefined;
      await job?.moveToCompleted(answer, "t", false);
      await other.close();
      expect(job?.id).toBe(`${id}-0`);
      process.kill(runner!, "SIGCONT");
      const { exitCode, stderr } = await user.runall("attach", id);
      expect(stderr).toMatch(`Quick #0 is retried: ${reason}`);
      expect(exitCode).toBe(0);
    } finally {
      process.kill(runner!, "SIGCONT");
    }
  });

  it("names the malformed field of a job, and continues with the others", async () => {
    await using user = await researcher(50);
    const connection = socketConnection(path.join(stateFolder(user), "redis.sock"));
    const queue = new Queue(RUN_QUEUE, { connection });
    const redis = new Redis(connection);
    const id = await queued(user, "-c", "Endless");
    await user.runall("cancel", id);
    const campaign = JSON.parse((await redis.get(campaignKey(id)))!) as { runs: number };
    await redis.set(campaignKey("bad"), JSON.stringify({ ...campaign, id: "bad", runs: "many" }));
    await queue.add("bad", { protocol: PROTOCOL, campaign: 7 }, { jobId: "bad-0" });
    await queue.add("bad", { protocol: PROTOCOL, campaign: "bad", run: {} }, { jobId: "bad-1" });
    await expect
      .poll(async () => (await queue.getJob("bad-0"))?.returnvalue as unknown)
      .toMatchObject({ outcome: { reason: expect.stringMatching(/queued run.*campaign/s) as string } });
    await expect
      .poll(async () => (await queue.getJob("bad-1"))?.returnvalue as unknown)
      .toMatchObject({ outcome: { reason: expect.stringMatching(/queued run.*run/s) as string } });
    await queue.add("bad", { protocol: PROTOCOL + 1 }, { jobId: "bad-2" });
    await expect
      .poll(async () => (await queue.getJob("bad-2"))?.returnvalue as unknown)
      .toMatchObject({
        outcome: { reason: expect.stringContaining(`version of inet-swarm (${OTHER})`) as string },
      });
    await Promise.all([0, 1, 2].map((number) => queue.remove(`bad-${number}`)));
    await Promise.all([redis.del(campaignKey("bad"))]);
    await queue.close();
    redis.disconnect();
    expect(await user.runall("-c", "Quick", "-r", "0")).toMatchObject({ exitCode: 0 });
  });
});

describeWithService("redis-server", "a worker with failures", () => {
  it("reports that its disk is full, and executes the runs when there is free space", async (context) => {
    await using user = await researcher(0, 1);
    await mustRun(user, ["halt"]);
    using disk = await smallDisk(path.join(cacheFolder(user), "slots"), 512, context);
    await mustRun(user, ["resume"]);
    const running = user.startRunall("-c", "Quick", "-r", "0..1");
    await listen(running)("returned to the queue");
    disk.enlarge();
    const { exitCode, stderr } = await running.finished;
    expect(stderr).toMatch(/warning: Quick #\d: .*(the disk of .* is full|ENOSPC|No space left)/);
    expect(exitCode).toBe(0);
    expect((await user.sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(2);
  });

  it("gives up a run that fills the disk itself", async (context) => {
    await using user = await researcher(0, 1);
    await mustRun(user, ["halt"]);
    using _disk = await smallDisk(path.join(cacheFolder(user), "slots"), 16_384, context);
    await mustRun(user, ["resume"]);
    await user.sample.commit({
      "simulations/greedy": `#!/bin/sh
case "$*" in *"-q "*|-v) exec opp_run "$@" ;; esac
case "$*" in *"-r 0"*) mkdir -p results; head -c 60000000 /dev/zero > results/much ;; esac
exec ../src/mm1 -n ../src:. "$@"\n`,
    });
    await chmod(path.join(user.sample.study, "greedy"), 0o755);
    await user.sample.commit({});
    const program = ["./greedy", "-c", "Quick", "-r", "0..1"];
    const { exitCode, stdout, stderr } = await user.runall(...program);
    expect(stdout + stderr).toMatch(/#0 .*crashed.*the disk of .* is full|No space left|ENOSPC/);
    expect(exitCode).toBe(1);
    expect((await user.sample.results()).filter((file) => file.endsWith("1.sca"))).toHaveLength(1);
  });
});
