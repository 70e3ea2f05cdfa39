import path from "node:path";
import { expect, it } from "vitest";
import { readRecords } from "../../src/campaign/collect/records.ts";
import type { RunRecord } from "../../src/model/result.ts";
import { memoryLimit } from "../helpers/memory-limit.ts";
import { describeWithService } from "../helpers/services.ts";
import {
  eventually,
  holdRuns,
  onlyCampaign,
  pidsOf,
  queued,
  researcher,
  simulationsOf,
  type Researcher,
} from "../helpers/swarm.ts";

const LIMIT_MB = 1000;
/** Of each run, in MB. A large one has memory beside small ones, but not beside the other one. */
const SIZES = [50, 50, 50, 50, 500, 500];
/** Least duration of each run. */
const RUN_MS = 4000;
const RUNS = ["-c", "Load", "--repeat=2", "--sim-time-limit=3000s"];

const recordsOf = ({ sample }: Researcher, id: string): Promise<RunRecord[]> =>
  readRecords(path.join(sample.study, "results"), id);

/** Returns the runs that were executed some time after the start of each run, according to their records. */
function concurrentAfterStarts(records: readonly RunRecord[], afterMs = 0): RunRecord[][] {
  const isRunning = ({ startedAt, finishedAt }: RunRecord, at: number): boolean =>
    Date.parse(startedAt) <= at && at < Date.parse(finishedAt);
  return records.map(({ startedAt }) =>
    records.filter((each) => isRunning(each, Date.parse(startedAt) + afterMs)),
  );
}

const isLarge = ({ runNumber }: RunRecord): boolean => SIZES[runNumber] === 500;

describeWithService("redis-server", "a runner with limited memory", () => {
  it("executes as many runs concurrently as have enough memory, and none is killed", async (context) => {
    await using limit = memoryLimit(LIMIT_MB * 1e6, context);
    await using user = await researcher(RUN_MS, 4);
    limit.add((await pidsOf(user))["runner"]!);
    user.env["STAND_IN_MEMORY"] = SIZES.join();

    expect(await user.runall(...RUNS)).toMatchObject({ exitCode: 0 });
    const first = await recordsOf(user, await onlyCampaign(user));
    expect(first.map(({ state }) => state)).toEqual(SIZES.map(() => "done"));
    expect(limit.kills()).toBe(0);

    await using held = await holdRuns(user, 0);
    const again = await queued(user, "--rerun", ...RUNS);
    await eventually(() => expect(simulationsOf(user).length).toBeGreaterThanOrEqual(3));
    await held.release();
    const { exitCode, stdout } = await user.runall("attach", again, "--json");
    expect(exitCode).toBe(0);
    expect(limit.kills()).toBe(0);
    expect(stdout).not.toContain("memory of the machine was"); // what a run needs is known: none is stopped
    // the memory of a process is free a little before the runner learns that it has ended
    const concurrent = concurrentAfterStarts(await recordsOf(user, again), RUN_MS / 2);
    expect(concurrent).toHaveLength(SIZES.length);
    expect(Math.max(...concurrent.map((runs) => runs.filter(isLarge).length))).toBe(1);
  });

  it("executes a run again that the kernel killed beside others", async (context) => {
    await using limit = memoryLimit(LIMIT_MB * 1e6, context);
    await using user = await researcher(1000, 4);
    const runner = (await pidsOf(user))["runner"]!;
    limit.add(runner);
    user.env["STAND_IN_MEMORY"] = "700";
    await using held = await holdRuns(user, 0);
    const id = await queued(user, "-c", "Load", "--repeat=1", "--sim-time-limit=3000s");
    await eventually(() => expect(simulationsOf(user)).toHaveLength(3));
    process.kill(runner, "SIGSTOP"); // runs that need memory faster than it can measure
    await held.release();
    await eventually(() => expect(limit.kills()).toBeGreaterThan(0));
    process.kill(runner, "SIGCONT");
    expect(await user.runall("attach", id)).toMatchObject({ exitCode: 0 });
    const records = await recordsOf(user, id);
    expect(records.map(({ state }) => state)).toEqual(["done", "done", "done"]);
  });

  it("reserves what --memory says before the first run", async (context) => {
    await using limit = memoryLimit(LIMIT_MB * 1e6, context);
    await using user = await researcher(20, 2);
    limit.add((await pidsOf(user))["runner"]!);
    const id = await queued(user, "--memory", "500M", "-c", "Quick");
    expect(await user.runall("attach", id)).toMatchObject({ exitCode: 0 });
    const concurrent = concurrentAfterStarts(await recordsOf(user, id));
    expect(concurrent.map((runs) => runs.length)).toEqual(concurrent.map(() => 1));
    expect(await user.runall("--memory", "much", "-c", "Quick")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('"much" is not an amount of memory') as string,
    });
  });
});
