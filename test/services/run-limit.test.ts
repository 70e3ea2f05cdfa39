import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { Redis } from "ioredis";
import { expect, it } from "vitest";
import { readRecords } from "../../src/campaign/collect/records.ts";
import type { RunRecord } from "../../src/model/result.ts";
import { describeWithService } from "../helpers/services.ts";
import {
  eventually,
  holdRuns,
  jobsOf,
  kill,
  pidsOf,
  queued,
  researcher,
  startRunner,
  stateFolder,
  stopMending,
  type Researcher,
} from "../helpers/swarm.ts";

const recordsOf = ({ sample }: Researcher, id: string): Promise<RunRecord[]> =>
  readRecords(path.join(sample.study, "results"), id);

/** Returns the largest number of runs that were executed concurrently, according to their records. */
function mostConcurrent(records: readonly RunRecord[]): number {
  const times = records.map(({ startedAt, finishedAt }) => [Date.parse(startedAt), Date.parse(finishedAt)]);
  return Math.max(...times.map(([at]) => times.filter(([from, to]) => from! <= at! && at! < to!).length));
}

/** Lets the locks of running jobs expire, as if much time had passed since their worker was last heard. */
async function expireLocks(user: Researcher): Promise<void> {
  const redis = new Redis(path.join(stateFolder(user), "redis.sock"));
  const runs = await redis.lrange("bull:run:active", 0, -1);
  await redis.sadd("bull:run:stalled", ...runs);
  await redis.del("bull:run:stalled-check", ...runs.map((id) => `bull:run:${id}:lock`));
  redis.disconnect();
}

describeWithService("redis-server", "a campaign with --jobs", () => {
  it.concurrent(
    "executes at most so many runs concurrently, and leaves the other runners to others",
    async () => {
      await using user = await researcher(20, 4);
      await using held = await holdRuns(user, 0);
      const id = await queued(user, "-j2", "-c", "Quick", "--repeat=3");
      await eventually(async () => expect(await jobsOf(user)).toMatchObject({ running: 2, waiting: 10 }));
      const repeated = await user.runall("--detach", "-j3", "--timeout", "1h", "-c", "Quick", "--repeat=3");
      expect(repeated.stderr).toContain(
        "keeps the limits with which it was queued; no effect: --jobs, --timeout",
      );
      const other = await queued(user, "-c", "Load", "--sim-time-limit=3000s");
      await eventually(async () => expect(await jobsOf(user)).toMatchObject({ running: 4, waiting: 20 }));
      await held.release();
      expect(await user.runall("attach", id)).toMatchObject({ exitCode: 0 });
      const records = await recordsOf(user, id);
      expect(records).toHaveLength(12);
      expect(mostConcurrent(records)).toBe(2);
      expect(await user.runall("attach", other)).toMatchObject({ exitCode: 0 });
    },
  );

  it.concurrent("keeps its limit when a worker is lost, when runs are retried and in batches", async () => {
    await using user = await researcher(20, 2);
    await using held = await holdRuns(user, 0);
    const id = await queued(user, "-j", "1", "--batchsize", "3", "-c", "Broken", "--repeat=4");
    await eventually(async () => expect(await jobsOf(user)).toMatchObject({ running: 1, waiting: 11 }));
    using _ = await stopMending(user);
    const runner = startRunner(
      user,
      "runner",
      "--concurrency",
      "2",
      "--directory",
      `${user.directory}/second`,
    );
    await eventually(async () => expect(await readdir(`${user.directory}/second`)).toContain("slots"));
    await kill((await pidsOf(user))["runner"]!);
    await expireLocks(user);
    await held.release();
    expect(await user.runall("attach", id)).toMatchObject({ exitCode: 1 });
    const records = await recordsOf(user, id);
    expect(records.filter(({ state }) => state === "done")).toHaveLength(8);
    expect(mostConcurrent(records)).toBe(1);

    expect(await user.runall("retry", id)).toMatchObject({ exitCode: 1 });
    const again = (await recordsOf(user, id)).filter(({ state }) => state === "failed");
    expect(again).toHaveLength(4);
    expect(mostConcurrent(again)).toBe(1);
    runner.kill();
  });

  it("refuses a number that limits nothing", async () => {
    await using user = await researcher(1, 1);
    expect(await user.runall("-j", "0", "-c", "Quick")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("must be at least 1") as string,
    });
    expect(await readFile(path.join(user.sample.study, "omnetpp.ini"), "utf8")).toContain("Quick");
  });
});
