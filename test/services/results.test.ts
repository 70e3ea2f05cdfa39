import { readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { dashboardApi } from "../helpers/dashboard-api.ts";
import { describeWithService } from "../helpers/services.ts";
import { eventually, jobsOf, mustRun, queued, researcher, type Researcher } from "../helpers/swarm.ts";

const SCALAR = "Mm1.queue.waitingTime:mean";

interface Tables {
  runs: number;
  of: number;
  tables: { name: string; groups: { n: number; mean: number }[] }[];
}

describeWithService("redis-server", "runall-swarm results", () => {
  let user: Researcher;
  beforeAll(async () => {
    user = await researcher(0);
  });
  afterAll(() => user[Symbol.asyncDispose]());

  const results = async (...args: string[]): Promise<Tables> => {
    const { stdout } = await user.runall("results", ...args, "--scalar", SCALAR, "--format", "json");
    return JSON.parse(stdout) as Tables;
  };

  it("prints results before and after they are collected, and without the swarm and the index", async () => {
    const id = await queued(user, "-c", "Load");
    await eventually(async () => expect(await jobsOf(user)).toMatchObject({ uncollected: 12 }));
    const uncollected = await results(id);
    expect(uncollected).toMatchObject({ runs: 12, of: 12 });
    expect(uncollected.tables[0]!.groups.reduce((sum, { n }) => sum + n, 0)).toBe(12);

    await user.runall("attach", id);
    const folder = path.join(user.sample.study, "results", ".swarm", "index");
    expect((await readdir(folder)).sort()).toEqual([`${id}.items`, `${id}.values`]);
    expect(await results(id.slice(0, 4))).toEqual(uncollected);
    expect(await results()).toEqual(uncollected);
    const { stdout: list } = await user.runall("results");
    expect(list).toContain(`campaign ${id}, Load: results of 12 of 12 runs`);
    expect(list).toContain(SCALAR);
    const { stdout: table } = await user.runall("results", "--scalar", SCALAR, "--by", "arrivalRate");
    expect(table).toContain("confidence interval");

    await rm(folder, { recursive: true });
    expect(await results(id)).toEqual(uncollected);
    const api = dashboardApi((await mustRun(user, ["dashboard"])).stdout);
    const get = (what: string): Promise<unknown> => api.get(`campaigns/${id}/${what}`);
    await expect.poll(() => get("results")).toMatchObject({ runs: 12, unread: 0, omitted: 0 });
    const { series } = (await get(`values?pattern=${SCALAR}`)) as { series: { values: unknown[] }[] };
    expect(series.map(({ values }) => values.length)).toEqual([12]);
    expect((await api.ask(`campaigns/${id}/values?pattern={`)).status).toBe(409);
    await mustRun(user, ["halt"]);
    expect(await results(id)).toEqual(uncollected);
    await mustRun(user, ["resume"]);
  });

  it("explains what it cannot show", async () => {
    const fails = async (...args: string[]): Promise<string> => {
      const { exitCode, stderr } = await user.run("runall-swarm", ["results", ...args]);
      expect(exitCode).toBe(2);
      return stderr;
    };
    expect(await fails("last", "--scalar", "waitingTime:maen")).toContain(
      "hint: did you mean '**.waitingTime:mean'?",
    );
    expect(await fails("last", "--scalar", SCALAR, "--by", "arivalRate")).toContain(
      "did you mean arrivalRate?",
    );
    expect(await fails("last", "--by", "arrivalRate")).toContain("--by needs --scalar");
    expect(await fails("nothing")).toContain("no campaign nothing");
  });

  it("collects runs, with a warning, if the index cannot be written", async () => {
    const folder = path.join(user.sample.study, "results", ".swarm", "index");
    await rm(folder, { recursive: true, force: true });
    await writeFile(folder, "");
    const { stdout, stderr } = await user.runall("-c", "Load", "--rerun");
    expect(stdout + stderr).toMatch(/cannot write the index of results/);
    expect(stdout + stderr).toContain("12 done");
    expect((await results("last")).runs).toBe(12);
    await rm(folder);
  });
});
