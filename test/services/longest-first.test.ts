import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { readRecords } from "../../src/campaign/collect/records.ts";
import type { RunRecord } from "../../src/model/result.ts";
import { describeWithService } from "../helpers/services.ts";
import type { Overview } from "../../src/model/dashboard.ts";
import { dashboardApi } from "../helpers/dashboard-api.ts";
import {
  eventually,
  holdRuns,
  jobsOf,
  mustRun,
  queued,
  researcher,
  type Researcher,
} from "../helpers/swarm.ts";

/** Wall times of the runs of the config `Quick`, in seconds. */
const SECONDS = [1, 40, 2, 3, 90, 5, 60, 4];

/** Executes all runs of `Quick`, and returns their numbers in the order in which they were executed. */
async function execute(user: Researcher): Promise<number[]> {
  const id = await queued(user, "-c", "Quick", "--rerun");
  // a client that followed the campaign would learn from it
  await eventually(async () => expect(await jobsOf(user)).toMatchObject({ running: 0, waiting: 0 }));
  expect(await user.runall("attach", id)).toMatchObject({ exitCode: 0 });
  const records = await readRecords(path.join(user.sample.study, "results"), id);
  const byStart = records.sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt));
  return byStart.map(({ runNumber }) => runNumber);
}

/** Changes a record as if its run had taken longer. */
async function slowDown({ sample }: Researcher, runNumber: number, seconds: number): Promise<void> {
  const file = path.join(sample.study, `results/.swarm/Quick-${runNumber}.json`);
  const record = JSON.parse(await readFile(file, "utf8")) as RunRecord;
  await writeFile(file, JSON.stringify({ ...record, wallTimeMs: seconds * 1000 }));
}

describeWithService("redis-server", "a campaign whose runs were executed before", () => {
  it("executes the longest ones first", async () => {
    await using user = await researcher(0, 1);
    expect(await execute(user)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const [runNumber, seconds] of SECONDS.entries()) await slowDown(user, runNumber, seconds);
    // repetitions of the same values are expected to take equally long
    expect(await execute(user)).toEqual([4, 5, 6, 7, 0, 1, 2, 3]);
  });

  it("has an expected end on the dashboard from its beginning", async () => {
    await using user = await researcher(0, 1);
    await execute(user);
    for (let run = 0; run < SECONDS.length; run++) await slowDown(user, run, 600);
    await using _held = await holdRuns(user, 0);
    const id = await queued(user, "-c", "Quick", "--rerun");
    const api = dashboardApi((await mustRun(user, ["dashboard"])).stdout);
    await eventually(async () => {
      const { campaigns } = await api.get<Overview>("campaigns");
      const left = campaigns.find((campaign) => campaign.id === id)?.leftMs ?? 0;
      expect(Math.round(left / 600_000)).toBe(SECONDS.length); // on one runner
    });
  });
});
