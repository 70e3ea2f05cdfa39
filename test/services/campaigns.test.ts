import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import * as v from "valibot";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { CampaignEventSchema, type CampaignEvent } from "../../src/model/events.ts";
import { describeWithService } from "../helpers/services.ts";
import { holdRuns, listen } from "../helpers/swarm.ts";
import {
  newSample,
  newUser,
  type Finished,
  type RunOptions,
  type Sample,
  type User,
} from "../helpers/tool.ts";

interface Listing {
  campaign: { id: string; user: string; config: string; study: string };
  cancelled: boolean;
  waiting: number;
  running: number;
  ended: number;
  collected: number;
}

describeWithService("redis-server", "campaigns that outlive their client", () => {
  let user: User;
  let sample: Sample;

  beforeAll(async () => {
    user = await newUser();
    user.env["STAND_IN_RUN_MS"] = "150";
    await user.run("swarm-tool", ["init", "--local", "--runners", "2"]);
  });
  afterAll(() => user[Symbol.asyncDispose]());
  beforeEach(async () => {
    sample = await newSample();
  });
  afterEach(() => sample[Symbol.asyncDispose]());

  const runall = (args: readonly string[], options: RunOptions = {}): Promise<Finished> =>
    user.run("runall-swarm", args, { cwd: sample.study, ...options });
  const detached = async (...args: string[]): Promise<string> => {
    const { stdout, exitCode } = await runall(["--detach", ...args]);
    expect(exitCode).toBe(0);
    return /runall-swarm attach (\S+)/.exec(stdout)![1]!;
  };
  const list = async (): Promise<Listing[]> =>
    JSON.parse((await runall(["list", "--json"])).stdout) as Listing[];
  const listing = async (id: string): Promise<Listing> =>
    (await list()).find(({ campaign }) => campaign.id === id)!;
  const scalars = async (): Promise<string[]> =>
    (await sample.results()).filter((file) => file.endsWith(".sca"));

  it("are queued with --detach, listed, and collected with attach from any folder; repeating it changes nothing", async () => {
    const id = await detached("-c", "Quick");
    expect(await listing(id)).toMatchObject({
      campaign: { config: "Quick", study: "simulations" },
      cancelled: false,
      collected: 0,
    });
    expect((await runall(["list"])).stdout).toMatch(new RegExp(`^${id} .*Quick`, "m"));
    const first = await runall(["attach", id], { cwd: user.directory });
    expect(first.stdout).toContain("8 runs in");
    expect(first.exitCode).toBe(0);
    const files = await sample.results();
    expect(await scalars()).toHaveLength(8);
    expect(await runall(["attach", id])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("8 done") as string,
    });
    expect(await sample.results()).toEqual(files);
    expect(await listing(id)).toMatchObject({ waiting: 0, running: 0, ended: 0, collected: 8 });
  });

  /** The output of `--json`, which must contain only events and fields of its published schema. */
  const events = (stdout: string): CampaignEvent[] => {
    const lines = stdout.trim().split("\n");
    return lines.map((line) => {
      const event = JSON.parse(line) as CampaignEvent;
      expect(v.parse(CampaignEventSchema, event)).toEqual(event); // parsing removes fields that the schema does not know
      return event;
    });
  };

  it("report all events as JSON that follows the published schema", async () => {
    const { stdout, exitCode } = await runall(["--json", "-c", "Broken"]);
    const told = events(stdout);
    const types = told.map(({ type }) => type);
    expect([types[0], types.at(-1)]).toEqual(["expanded", "ended"]);
    for (const type of ["built", "queued", "started", "progress"]) expect(types).toContain(type);
    expect(types.filter((type) => type === "finished")).toHaveLength(3);
    const error = expect.stringContaining("serviceRate") as string;
    expect(told.at(-1)).toMatchObject({
      summary: { states: { done: 2, failed: 1 }, failed: [{ runNumber: 1, error }] },
    });
    expect(exitCode).toBe(1);
    const { campaign } = told.find((event) => event.type === "queued")!;
    const attached = events((await runall(["attach", "--json", campaign])).stdout);
    expect(attached.map(({ type }) => type)).toEqual(["queued", "ended"]);
    expect(attached.at(-1)).toMatchObject({ summary: { states: { done: 2, failed: 1 } } });
  });

  it("are cancelled by their id, and keep completed runs", async () => {
    await using held = await holdRuns(user, 1);
    const id = await detached("-c", "Load");
    await expect.poll(async () => (await listing(id)).ended).toBeGreaterThan(0);
    const { stdout, exitCode } = await runall(["cancel", id]);
    await held.release();
    expect(stdout).toMatch(/^campaign \S+: \d+ queued runs? cancelled/);
    expect(exitCode).toBe(0);
    const attached = await runall(["attach", id]);
    expect(attached.stdout).toMatch(/^12 runs in .*: \d+ done, \d+ cancelled\./m); // including those that never started
    expect(attached.exitCode).toBe(1);
    expect(await runall(["attach", id])).toMatchObject({ exitCode: 1 });
    expect((await runall(["logs", id])).stdout).toMatch(
      /^\d+ of 12 runs were cancelled before they started; to execute them, run: runall-swarm retry /m,
    );
    expect((await scalars()).filter((file) => !file.startsWith("failed/")).length).toBeGreaterThan(0);
    expect(await listing(id)).toMatchObject({ cancelled: true, waiting: 0, running: 0, ended: 0 });
  });

  it("are not retried for cancelled runs that another campaign has completed, and logs says so", async () => {
    expect(await runall(["-c", "Quick"])).toMatchObject({ exitCode: 0 });
    await using held = await holdRuns(user, 1);
    const id = await detached("--rerun", "-c", "Quick");
    await expect.poll(async () => (await listing(id)).running).toBeGreaterThan(0);
    await runall(["cancel", id]);
    await held.release();
    await runall(["attach", id]);
    const logs = (await runall(["logs", id])).stdout;
    expect(logs).toMatch(
      /^\d+ of 8 runs were cancelled before they started; another campaign has completed them$/m,
    );
    expect(logs).not.toContain("to execute them");
    expect((await runall(["retry", id])).stderr).toMatch(
      /cancelled runs? (is|are) not executed, because another campaign has completed/,
    );
  });

  it("retry failed runs, and only those", async () => {
    const first = await runall(["-c", "Broken"]);
    expect(first.exitCode).toBe(1);
    const [{ campaign }] = (await list()) as [Listing];
    const before = await sample.read("results/.swarm/Broken-0.json");
    const { stdout, exitCode } = await runall(["retry", campaign.id]);
    expect(stdout).toContain("3 runs in");
    expect(stdout).toContain("2 done, 1 failed");
    expect(exitCode).toBe(1);
    expect(await sample.read("results/.swarm/Broken-0.json")).toBe(before);
    const good = await detached("-c", "Quick", "-r", "0");
    await runall(["attach", good]);
    expect(await runall(["retry", good])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("has no failed or cancelled run") as string,
    });
  });

  it("show the output of a run while it executes, when it has ended, and when it is collected", async () => {
    await using slow = await newUser();
    slow.env["STAND_IN_RUN_MS"] = "4000";
    await slow.run("swarm-tool", ["init", "--local", "--runners", "1"]);
    const { stdout } = await slow.run("runall-swarm", ["--detach", "-c", "Quick", "-r", "0"], {
      cwd: sample.study,
    });
    const id = /attach (\S+)/.exec(stdout)![1]!;
    const logs = (...args: string[]): Promise<Finished> => slow.run("runall-swarm", ["logs", id, ...args]);
    await expect.poll(async () => (await logs("0")).stdout).toContain("Running simulation...");
    const followed = await logs("0", "-f");
    expect(followed.stdout.match(/Running simulation\.\.\./g)).toHaveLength(1);
    expect(followed.stdout).toContain("Calling finish() at end of Run #0");
    await slow.run("runall-swarm", ["attach", id]);
    expect((await logs("0")).stdout).toBe(followed.stdout);
    expect((await logs()).stdout).toMatch(/^Quick #0 .*: done, Simulation time limit reached$/m);
    expect(await logs("7")).toMatchObject({ exitCode: 2 });
  });

  it("continue when their terminal is closed", async () => {
    await using held = await holdRuns(user, 2);
    const client = user.start("runall-swarm", ["-c", "Load"], { cwd: sample.study });
    await listen(client)("[1/12]");
    client.child.kill("SIGHUP");
    await client.finished;
    await held.release();
    expect(client.child.signalCode).toBe("SIGHUP");
    const [{ campaign, cancelled }] = (await list()) as [Listing];
    expect(cancelled).toBe(false);
    expect(await runall(["attach", campaign.id])).toMatchObject({ exitCode: 0 });
    expect(await scalars()).toHaveLength(12);
  });

  it("stop following the output of a run when the run is cancelled", async () => {
    const id = await detached("-c", "Endless", "--repeat=3"); // two are executed, one waits
    const follow = (run: string) => user.start("runall-swarm", ["logs", id, run, "-f"]);
    const [made, waiting] = [follow("0"), follow("2")];
    await expect.poll(async () => (await runall(["logs", id, "0"])).stdout).toContain("Running simulation");
    await runall(["cancel", id]);
    expect(await waiting.finished).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(
        `run 2 of campaign ${id} has no output|no output of run 2 of campaign ${id}`,
      ) as string,
    });
    expect(await made.finished).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("Calling finish()") as string,
    });
    await runall(["attach", id]);
  });

  it("report what no longer exists when their results have been removed", async () => {
    const id = await detached("-c", "Quick", "-r", "0..1");
    await runall(["attach", id]);
    await rm(path.join(sample.study, "results"), { recursive: true });
    expect((await runall(["logs", id])).stdout).toBe("2 of 2 runs have no record here\n");
    expect(await runall(["logs", id, "0"])).toMatchObject({ exitCode: 2 });
    expect(await runall(["retry", id])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("has no failed or cancelled run") as string,
    });
    expect(await runall(["attach", id])).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/^2 runs in .*: 2 without a record in results\.$/m) as string,
    });
  });

  it("stop a run that takes too long", async () => {
    const { stdout, exitCode } = await runall(["--timeout", "10s", "-c", "Endless"]);
    expect(stdout).toMatch(/#0 +timeout/);
    expect(exitCode).toBe(1);
    expect(await readdir(path.join(sample.study, "results", "failed"))).toContain("Endless-#0.sca");
  });

  it("stop at the first error if --stop-on-error is given", async () => {
    await using single = await newUser();
    await single.run("swarm-tool", ["init", "--local", "--runners", "1"]);
    await using _ = await holdRuns(single, 2); // it may start while the previous one is being answered
    const { stdout, exitCode } = await single.run("runall-swarm", ["--stop-on-error", "-c", "Broken"], {
      cwd: sample.study,
    });
    expect(stdout).toContain("1 done, 1 failed, 1 cancelled");
    expect(exitCode).toBe(1);
  });

  it.each([
    [["attach", "nosuch"], "no campaign nosuch"],
    [["cancel", "nosuch"], "no campaign nosuch"],
    [["logs", "nosuch", "0"], "no campaign nosuch"],
    [["retry", "nosuch"], "no campaign nosuch"],
    [["attach"], "missing required argument 'id'"],
    [["--timeout", "soon"], '"soon" is not a duration'],
    [["--retries", "-1"], '"-1" is not a whole number'],
  ])("report invalid arguments: %j", async (args, message) => {
    const { stderr, exitCode } = await runall(args);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });
});
