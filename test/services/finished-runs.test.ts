import { appendFile, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { CampaignEvent } from "../../src/model/events.ts";
import { readRecord } from "../../src/campaign/collect/records.ts";
import { temporaryName } from "../../src/system/files.ts";
import { describeWithService } from "../helpers/services.ts";
import { eventually, jobsOf } from "../helpers/swarm.ts";
import { newSample, newUser, type Finished, type Sample, type User } from "../helpers/tool.ts";

describeWithService("redis-server", "runall-swarm if runs have already completed", () => {
  let user: User;
  let sample: Sample;

  beforeAll(async () => {
    user = await newUser();
    await user.run("swarm-tool", ["init", "--local", "--runners", "2"]);
  });
  afterAll(() => user[Symbol.asyncDispose]());
  beforeEach(async () => {
    sample = await newSample();
  });
  afterEach(() => sample[Symbol.asyncDispose]());

  const runall = async (...args: string[]): Promise<Finished> => {
    const finished = await user.run("runall-swarm", args, { cwd: sample.study });
    expect(finished).toMatchObject({ exitCode: 0 });
    return finished;
  };
  const record = (runNumber: number, config = "Quick") =>
    readRecord(path.join(sample.study, "results"), { config, runNumber });
  /** Which of Quick's runs a call has executed. */
  const madeBy = async (call: () => Promise<unknown>): Promise<number[]> => {
    const numbers = [0, 1, 2, 3, 4, 5, 6, 7];
    const before = await Promise.all(numbers.map((number) => record(number)));
    await call();
    const after = await Promise.all(numbers.map((number) => record(number)));
    return numbers.filter((number) => after[number]?.finishedAt !== before[number]?.finishedAt);
  };
  const file = (name: string): string => path.join(sample.study, "results", name);

  it("executes only runs without results, says so, and executes all again with --rerun", async () => {
    await runall("-c", "Quick", "-r", "0..2");
    expect(
      await madeBy(async () => {
        const { stdout, stderr } = await runall("-c", "Quick");
        expect(stderr).toMatch(/^8 runs: 3 already completed \(rerun with --rerun\), 5 queued$/m);
        expect(stdout).toMatch(/^8 runs in .*: 8 done, 3 of them earlier\. Results are in results\.$/m);
      }),
    ).toEqual([3, 4, 5, 6, 7]);
    expect(
      await madeBy(async () => {
        const { stdout, stderr } = await runall("-c", "Quick");
        expect(stderr).toMatch(/^8 runs: 8 already completed \(rerun with --rerun\)$/m);
        expect(stderr).not.toContain("queued");
        expect(stdout).toMatch(/^8 runs in .*: 8 done, 8 of them earlier\. Results are in results\.$/m);
      }),
    ).toEqual([]);
    expect(await madeBy(() => runall("-c", "Quick", "-r", "1", "--rerun"))).toEqual([1]);
  });

  it("removes the temporary files of ended clients also if all runs have completed", async () => {
    await runall("-c", "Quick", "-r", "0");
    const ended = temporaryName(file("a.sca")).replace(/\.\d+-/, ".0-"); // another start time: another process
    await writeFile(ended, "");
    await runall("-c", "Quick", "-r", "0");
    expect(await stat(ended).catch(() => "gone")).toBe("gone");
  });

  it("executes runs again whose files are missing, truncated or changed, and runs that have not completed", async () => {
    await runall("-c", "Quick");
    const of = async (runNumber: number, ext: string): Promise<string> =>
      path.join(
        sample.study,
        (await record(runNumber))!.files.find(({ path: name }) => name.endsWith(ext))!.path,
      );
    await rm(await of(1, ".vec"));
    await writeFile(await of(2, ".sca"), "version 3\n");
    const scalars = await of(4, ".sca");
    await writeFile(scalars, (await readFile(scalars, "utf8")).replace("mean", "MEAN"));
    await rm(file(".swarm/Quick-6.json"));
    expect(await madeBy(() => runall("-c", "Quick"))).toEqual([1, 2, 4, 6]);
    expect(await readFile(scalars, "utf8")).not.toContain("MEAN");
    const broken = () => user.run("runall-swarm", ["-c", "Broken"], { cwd: sample.study });
    expect((await broken()).exitCode).toBe(1);
    const again = await broken();
    expect(again.stderr).toMatch(/^3 runs: 2 already completed .*, 1 queued$/m);
    expect(again.exitCode).toBe(1);
  });

  it("executes all runs again when a source or an option has changed", async () => {
    await runall("-c", "Quick", "-r", "0,1");
    await appendFile(path.join(sample.path, "src/Queue.cc"), "// x\n");
    expect(await madeBy(() => runall("-c", "Quick", "-r", "0,1"))).toEqual([0, 1]);
    expect(await madeBy(() => runall("-c", "Quick", "-r", "0,1"))).toEqual([]);
    expect(await madeBy(() => runall("-c", "Quick", "-r", "0,1", "--sim-time-limit=100s"))).toEqual([0, 1]);
  });

  it("shows existing results with --dry-run and with --json", async () => {
    await runall("-c", "Quick", "-r", "0..2");
    const dry = await runall("--dry-run", "-c", "Quick", "-r", "0..3");
    expect(dry.stderr).toBe("4 runs: 3 already completed (rerun with --rerun), 1 to be executed\n");
    expect(dry.stdout.trim().split("\n")).toHaveLength(4);
    expect((await runall("--dry-run", "--rerun", "-c", "Quick", "-r", "0..3")).stderr).toBe("");
    const { stdout } = await runall("--json", "-c", "Quick", "-r", "0..2");
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as CampaignEvent);
    expect(events).toEqual([
      { type: "expanded", config: "Quick", runs: 3 },
      { type: "skipped", runs: 3, fetched: 0, left: 0 },
      {
        type: "ended",
        summary: expect.objectContaining({ states: { done: 3 }, skipped: 3, failed: [] }) as object,
      },
    ]);
  });

  it("fetches what an earlier campaign has left in the swarm", async () => {
    await runall("--detach", "-c", "Quick", "-r", "0..3");
    await eventually(async () =>
      expect(await jobsOf(user)).toEqual({ waiting: 0, running: 0, uncollected: 4 }),
    );
    const { stderr } = await runall("-c", "Quick", "-r", "2..5");
    expect(stderr).toMatch(/^collecting completed runs of campaign \w+, which were not yet collected$/m);
    expect(stderr).toMatch(/^4 runs: 2 already completed .*, 2 queued$/m);
    expect(await jobsOf(user)).toMatchObject({ uncollected: 2 });
    expect((await runall("-c", "Quick", "-r", "0..5")).stderr).toMatch(/^6 runs: 6 already completed/m);
    expect(await jobsOf(user)).toMatchObject({ uncollected: 0 });
  });

  it("warns if run numbers have shifted, and with them the seeds", async () => {
    const ini = path.join(sample.study, "omnetpp.ini");
    const extend = async (seeds: string): Promise<string> => {
      const text = await readFile(ini, "utf8");
      await writeFile(ini, text.replace("serviceRate=1, 2}", `serviceRate=1, 2, 3}\n${seeds}`));
      const { stderr } = await runall("-c", "Quick", "-r", "4");
      await writeFile(ini, text);
      return stderr;
    };
    await runall("-c", "Quick", "-r", "4");
    const warning = await extend("");
    expect(warning).toMatch(
      /^warning: the runs of Quick have other run numbers than when they were executed/m,
    );
    expect(warning).toContain(
      "Quick #4 was $arrivalRate=0.6, $serviceRate=1, $repetition=0, and is now $arrivalRate=0.3",
    );
    await runall("-c", "Quick", "-r", "4");
    expect(await extend("seed-set = ${runnumber}")).toContain("have other run numbers");
    await runall("-c", "Quick", "-r", "4");
    expect(await extend("seed-set = ${repetition}")).not.toContain("have other run numbers");
  });

  it("keeps files of the same name that were written by runs not executed again", async () => {
    const args = ["-c", "Quick", "--output-scalar-file=results/all.sca"];
    await runall(...args, "-r", "0,3");
    const before = await readFile(file("all.sca"), "utf8");
    const { stderr } = await runall(...args, "-r", "0..3");
    expect(stderr).toMatch(/4 runs: 2 already completed/);
    expect(await readFile(file("all.sca"), "utf8")).toBe(before); // of the last run
    for (const number of [0, 1, 2]) expect((await stat(file(`all.Quick-${number}.sca`))).isFile()).toBe(true);
    expect((await runall(...args, "-r", "0..3")).stderr).toMatch(/4 runs: 4 already completed/);
  });
});
