import { readdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { describeWithService } from "../helpers/services.ts";
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
    await user.run("swarm-tool", ["init", "--local", "--runners", "2"], { env: { STAND_IN_RUN_MS: "150" } });
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

  it("are queued with --detach, listed, and collected with attach, from anywhere; twice changes nothing", async () => {
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

  it("tell all they do as JSON", async () => {
    const { stdout, exitCode } = await runall(["--json", "-c", "Quick", "-r", "0..1"]);
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string });
    const types = events.map(({ type }) => type);
    expect([types[0], types.at(-1)]).toEqual(["expanded", "ended"]);
    expect(types.filter((type) => type === "finished")).toHaveLength(2);
    expect(events.at(-1)).toMatchObject({ summary: { states: { done: 2 }, failed: [] } });
    expect(exitCode).toBe(0);
  });

  it("are cancelled by their id, and what was done is not lost", async () => {
    const id = await detached("-c", "Load");
    await expect.poll(async () => (await listing(id)).ended).toBeGreaterThan(0);
    const { stdout, exitCode } = await runall(["cancel", id]);
    expect(stdout).toMatch(/^campaign \S+: \d+ queued runs? cancelled/);
    expect(exitCode).toBe(0);
    const attached = await runall(["attach", id]);
    expect(attached.stdout).toContain("done");
    expect((await scalars()).filter((file) => !file.startsWith("failed/")).length).toBeGreaterThan(0);
    expect(await listing(id)).toMatchObject({ cancelled: true, waiting: 0, running: 0, ended: 0 });
  });

  it("make failed runs again, and only those", async () => {
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
      stderr: expect.stringContaining("has failed") as string,
    });
  });

  it("show what a run prints while it is made, when it has ended, and when it is collected", async () => {
    await using slow = await newUser();
    await slow.run("swarm-tool", ["init", "--local", "--runners", "1"], { env: { STAND_IN_RUN_MS: "4000" } });
    const { stdout } = await slow.run("runall-swarm", ["--detach", "-c", "Quick", "-r", "0"], {
      cwd: sample.study,
    });
    const id = /attach (\S+)/.exec(stdout)![1]!;
    const logs = (...args: string[]): Promise<Finished> => slow.run("runall-swarm", ["logs", id, ...args]);
    await expect
      .poll(async () => (await logs("0")).stdout, { timeout: 20_000 })
      .toContain("Running simulation...");
    const followed = await logs("0", "-f");
    expect(followed.stdout.match(/Running simulation\.\.\./g)).toHaveLength(1);
    expect(followed.stdout).toContain("Calling finish() at end of Run #0");
    await slow.run("runall-swarm", ["attach", id]);
    expect((await logs("0")).stdout).toBe(followed.stdout);
    expect((await logs()).stdout).toMatch(/^Quick #0 .*: done, Simulation time limit reached$/m);
    expect(await logs("7")).toMatchObject({ exitCode: 2 });
  });

  it("end a run that takes too long", async () => {
    const { stdout, exitCode } = await runall(["--timeout", "0.3s", "-c", "Endless"]);
    expect(stdout).toMatch(/#0 +timeout/);
    expect(exitCode).toBe(1);
    expect(await readdir(path.join(sample.study, "results", "failed"))).toContain("Endless-#0.sca");
  });

  it("stop at the first error where they are told to", async () => {
    await using single = await newUser();
    await single.run("swarm-tool", ["init", "--local", "--runners", "1"]);
    const { stdout, exitCode } = await single.run("runall-swarm", ["--stop-on-error", "-c", "Broken"], {
      cwd: sample.study,
    });
    expect(stdout).toContain("1 done, 1 failed, 1 cancelled");
    expect(exitCode).toBe(1);
  });

  it.each([
    [["attach", "nosuch"], "there is no campaign nosuch"],
    [["cancel", "nosuch"], "there is no campaign nosuch"],
    [["attach"], "missing required argument 'id'"],
    [["--timeout", "soon"], '"soon" is not a duration'],
    [["--retries", "-1"], '"-1" is not a whole number'],
  ])("%j is explained", async (args, message) => {
    const { stderr, exitCode } = await runall(args);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });
});
