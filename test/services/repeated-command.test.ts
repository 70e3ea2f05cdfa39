import { access, appendFile, rename } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { describeWithService } from "../helpers/services.ts";
import {
  eventually,
  holdRuns,
  jobsOf,
  listen,
  mustRun,
  researcher,
  stopMending,
  type HeldRuns,
  type Researcher,
} from "../helpers/swarm.ts";
import type { Finished, Running } from "../helpers/tool.ts";

interface Listing {
  campaign: { id: string };
  waiting: number;
  running: number;
  ended: number;
  states: Record<string, number>;
}

describeWithService("redis-server", "a command that is repeated", () => {
  let user: Researcher;
  beforeEach(async () => {
    user = await researcher(1);
  });
  afterEach(() => user[Symbol.asyncDispose]());

  const list = async (): Promise<Listing[]> =>
    JSON.parse((await user.runall("list", "--json")).stdout) as Listing[];

  /** Repeats a command that finds its runs queued or running, and then releases these runs. */
  const follow = async (held: HeldRuns, ...args: string[]): Promise<Finished> => {
    const client = user.startRunall(...args);
    await listen(client)("following it");
    await held.release();
    return await client.finished;
  };

  it("continues after its terminal was closed: no run is executed twice", async () => {
    await using held = await holdRuns(user, 3);
    const first = user.startRunall("-c", "Load");
    await listen(first)("[2/12]");
    first.child.kill("SIGHUP");
    await first.finished;
    const { stdout, stderr, exitCode } = await follow(held, "-c", "Load");
    const [{ campaign }, ...others] = (await list()) as [Listing];
    expect(others).toEqual([]);
    expect(stderr).toMatch(
      new RegExp(`^campaign ${campaign.id} has \\d+ runs of these already queued; following it$`, "m"),
    );
    expect(stdout).toMatch(/^12 runs in .*: 12 done, \d+ of them earlier\./m);
    expect(exitCode).toBe(0);
    expect(await jobsOf(user)).toEqual({ waiting: 0, running: 0, uncollected: 0 });
    expect((await user.sample.results()).filter((file) => file.endsWith(".sca"))).toHaveLength(12);
    expect((await user.runall("-c", "Load")).stderr).toMatch(/^12 runs: 12 already completed/m);
  });

  it("names the campaign that another process is collecting, and queues nothing", async () => {
    const first = user.startRunall("-c", "Endless", "--repeat=3");
    await listen(first)("Endless: 3 runs");
    await eventually(async () => expect(await list()).toHaveLength(1));
    const { stderr, exitCode } = await user.runall("-c", "Endless", "--repeat=3");
    const [{ campaign }, ...others] = (await list()) as [Listing];
    expect(others).toEqual([]);
    const message = `campaign ${campaign.id} already contains 3 of these runs, and process ${first.child.pid} is collecting them`;
    expect(stderr).toContain(message);
    expect(stderr).toContain("nothing was queued");
    expect(exitCode).toBe(2);
    const twice = user.startRunall("-c", "Endless", "--repeat=3", "--rerun");
    await listen(twice)(
      `campaign ${campaign.id} already contains 3 of these runs; with --rerun they are executed twice`,
    );
    await eventually(async () => expect(await list()).toHaveLength(2));
    for (const { child } of [twice, first]) child.kill("SIGINT");
    for (const { finished } of [twice, first]) expect((await finished).exitCode).toBe(130);
  });

  it("queues its runs once when two clients start at the same moment", async () => {
    await using held = await holdRuns(user, 0);
    const both = [user.startRunall("-c", "Load"), user.startRunall("-c", "Load")];
    await eventually(() => expect(both.filter(({ child }) => child.exitCode !== null)).toHaveLength(1));
    await held.release();
    const ends = await Promise.all(both.map(({ finished }) => finished));
    expect(await list()).toHaveLength(1);
    expect(ends.map(({ exitCode }) => exitCode).sort()).toEqual([0, 2]);
    expect(ends.find(({ exitCode }) => exitCode === 2)!.stderr).toMatch(
      /campaign \w+ already contains \d+ of these runs/,
    );
  });

  it("executes no run that another client completes while it waits for the build", async () => {
    let late: Running;
    {
      using _ = await stopMending(user);
      late = user.startRunall("-c", "Load");
      await listen(late)("building");
      late.child.kill("SIGSTOP");
    }
    const first = await user.runall("-c", "Load");
    expect(first).toMatchObject({ exitCode: 0 });
    late.child.kill("SIGCONT");
    expect(await late.finished).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/^12 runs: 12 already completed/m) as string,
    });
    expect(await list()).toHaveLength(1);
  });

  it("follows running runs, reports those that failed, and queues the rest", async () => {
    await mustRun(user, ["remove", "local", "--force"]);
    await mustRun(user, ["init", "--local", "--runners", "1"]);
    await using held = await holdRuns(user, 0);
    await user.runall("--detach", "-c", "Broken");
    const { stdout, stderr, exitCode } = await follow(held, "-c", "Broken");
    expect(stderr).toMatch(/has 3 runs of these already queued; following it/);
    expect(stdout).toMatch(/^3 runs in .*: 2 done, 1 failed/m);
    expect(exitCode).toBe(1);
    expect(await list()).toHaveLength(1);

    await held.holdFrom(0);
    await user.runall("--detach", "-c", "Quick", "-r", "0..3");
    const more = await follow(held, "-c", "Quick");
    expect(more.stderr).toMatch(/has 4 runs of these already queued; following it/);
    expect(more.stderr).toMatch(/^8 runs: 4 already completed .*, 4 queued$/m);
    expect(more.stdout).toMatch(/^8 runs in .*: 8 done, 4 of them earlier/m);
    expect(await list()).toHaveLength(3);
    expect(await jobsOf(user)).toEqual({ waiting: 0, running: 0, uncollected: 0 });
  });

  it("collects failed runs of a campaign that ended meanwhile, and executes them again", async () => {
    await user.runall("--detach", "-c", "Broken");
    await eventually(async () =>
      expect(await jobsOf(user)).toEqual({ waiting: 0, running: 0, uncollected: 3 }),
    );
    const { stderr, stdout } = await user.runall("-c", "Broken");
    expect(stderr).toMatch(/^collecting completed runs of campaign/m);
    expect(stdout).toMatch(/^3 runs in .*: 2 done, 1 failed, 2 of them earlier/m);
    expect(await jobsOf(user)).toEqual({ waiting: 0, running: 0, uncollected: 0 });
    expect((await list()).map(({ states }) => states)).toEqual([{ failed: 1 }, { done: 2, failed: 1 }]);
  });

  it("with --detach names the campaign, and queues only runs that it does not have", async () => {
    const endless = (...args: string[]) => user.runall("--detach", "-c", "Endless", "--repeat=4", ...args);
    await endless("-r", "0..2");
    const same = await endless("-r", "0..2");
    const [{ campaign }] = (await list()) as [Listing];
    expect(same.stdout).toContain(`runall-swarm attach ${campaign.id}`);
    expect(same.exitCode).toBe(0);
    expect(await list()).toHaveLength(1);
    await endless();
    const listed = await list();
    expect(listed.map(({ waiting, running }) => waiting + running)).toEqual([1, 3]);
    for (const each of listed) await user.runall("cancel", each.campaign.id);
    await eventually(async () => expect((await jobsOf(user)).running).toBe(0));
  });

  it("fetches the results of a study that was moved meanwhile", async () => {
    await user.runall("--detach", "-c", "Quick");
    await eventually(async () =>
      expect(await jobsOf(user)).toEqual({ waiting: 0, running: 0, uncollected: 8 }),
    );
    const moved = path.join(user.directory, path.basename(user.sample.path));
    await rename(user.sample.path, moved);
    const cwd = path.join(moved, "simulations");
    const { stderr, stdout, exitCode } = await user.run("runall-swarm", ["-c", "Quick"], { cwd });
    expect(stderr).toMatch(/^collecting completed runs of campaign/m);
    expect(stdout).toMatch(/8 runs in .*: 8 done, 8 of them earlier/);
    expect(exitCode).toBe(0);
    await expect(access(user.sample.path)).rejects.toThrow(); // it is not executed again
    await rename(moved, user.sample.path);
  });

  it("reports how many completed runs no longer count, and which change is the reason", async () => {
    await user.runall("-c", "Quick", "-r", "0..3");
    for (const file of ["src/Queue.cc", "simulations/omnetpp.ini", "src/a.txt", "src/b.txt"])
      await appendFile(path.join(user.sample.path, file), "\n");
    const dry = await user.runall("--dry-run", "-c", "Quick");
    const line =
      /^4 completed runs no longer count: 4 files changed since: simulations\/omnetpp.ini, src\/Queue.cc, src\/a.txt, …$/m;
    expect(dry.stderr).toMatch(line);
    const again = await user.runall("-c", "Quick", "-r", "0..2");
    expect(again.stderr).toMatch(/^3 completed runs no longer count: 4 files changed since/m);
    const other = await user.runall("-c", "Quick", "-r", "0..3", "--sim-time-limit=100s");
    expect(other.stderr).toMatch(
      /^3 completed runs no longer count: the arguments are "--sim-time-limit=100s", were ""$/m,
    );
    expect(other.stderr).toMatch(
      /^1 completed run no longer counts: the arguments are .*; 4 files changed since/m,
    );
    expect((await user.runall("-c", "Quick", "-r", "0..3", "--sim-time-limit=100s")).stderr).not.toContain(
      "no longer",
    );
    await eventually(async () => expect((await jobsOf(user)).running).toBe(0));
  });
});
