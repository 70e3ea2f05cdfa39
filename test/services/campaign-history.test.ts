import path from "node:path";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Campaign } from "../../src/model/campaign.ts";
import { CAMPAIGNS_KEY, campaignKey } from "../../src/queue/names.ts";
import { dashboardApi, type DashboardApi } from "../helpers/dashboard-api.ts";
import { describeWithService } from "../helpers/services.ts";
import {
  eventually,
  holdRuns,
  jobsOf,
  listen,
  mustRun,
  queued,
  researcher,
  stateFolder,
  type Researcher,
} from "../helpers/swarm.ts";

interface Listing {
  campaign: { id: string; config: string };
  cancelled: boolean;
  collected: number;
  states: Record<string, number>;
  superseded: Record<string, number>;
}
interface View {
  summary: { states: Record<string, number> };
  columns: string[];
  rows: unknown[][];
}

describeWithService("redis-server", "the history of campaigns", () => {
  let user: Researcher;
  beforeEach(async () => {
    user = await researcher(300);
  });
  afterEach(() => user[Symbol.asyncDispose]());

  const list = async (): Promise<Listing[]> =>
    JSON.parse((await user.runall("list", "--json")).stdout) as Listing[];
  const listing = async (id: string): Promise<Listing> =>
    (await list()).find(({ campaign }) => campaign.id === id)!;
  const newest = async (): Promise<string> => (await list())[0]!.campaign.id;
  const api = async (): Promise<DashboardApi> => dashboardApi((await mustRun(user, ["dashboard"])).stdout);
  const view = async (id: string): Promise<View> => await (await api()).get(`campaigns/${id}`);
  const output = async (id: string, run: number): Promise<string> =>
    await (await (await api()).ask(`campaigns/${id}/runs/${run}/output`)).text();
  const scalars = async (): Promise<string[]> =>
    (await user.sample.results()).filter((file) => file.endsWith(".sca") && !file.startsWith("failed/"));

  it("is listed from the newest campaign, and in full only with --all", async () => {
    await using held = await holdRuns(user, 0);
    const id = await queued(user, "-c", "Quick", "-r", "0");
    const redis = new Redis(path.join(stateFolder(user), "redis.sock"));
    try {
      const entry = JSON.parse((await redis.get(campaignKey(id)))!) as Campaign;
      for (let at = 1; at <= 21; at++) {
        const older = { ...entry, id: id.slice(0, -2) + String(at + 10), createdAt: entry.createdAt - at };
        await redis.set(campaignKey(older.id), JSON.stringify(older));
        await redis.zadd(CAMPAIGNS_KEY, older.createdAt, older.id);
      }
    } finally {
      redis.disconnect();
    }
    const some = await user.runall("list");
    expect(some.stdout.trimEnd().split("\n")).toHaveLength(21);
    expect(some.stdout.split("\n")[1]).toContain(id);
    expect(some.stderr).toBe("… and 2 older campaigns; to list all, run: runall-swarm list --all\n");
    const all = await user.runall("list", "--all");
    expect(all).toMatchObject({ exitCode: 0, stderr: "" });
    expect(all.stdout.trimEnd().split("\n")).toHaveLength(23);
    expect(await list()).toHaveLength(22);
    await held.release();
  });

  it("is consistent through Ctrl-C, list, logs, attach, retry and rerun", async () => {
    await using held = await holdRuns(user, 4);
    const first = user.startRunall("-c", "Load");
    await listen(first)("[3/12]");
    first.child.kill("SIGINT");
    const interrupted = await first.finished;
    await held.release();
    expect(interrupted.exitCode).toBe(130);
    const id = await newest();
    const { done = 0, cancelled = 0, ...others } = (await listing(id)).states;
    expect([done + cancelled, others]).toEqual([12, {}]);
    expect(done).toBeGreaterThanOrEqual(3);
    expect(interrupted.stdout).toContain(`12 runs in`);
    expect(interrupted.stdout).toContain(`${done} done, ${cancelled} cancelled`);
    expect((await user.runall("list")).stdout).toContain(`${done} done, ${cancelled} cancelled`);

    const logs = (await user.runall("logs", id)).stdout;
    expect(logs.match(/: done, /g)).toHaveLength(done);
    const unstarted = Number(/^(\d+) of 12 runs were cancelled before they started/m.exec(logs)?.[1] ?? 0);
    expect((logs.match(/: cancelled/g) ?? []).length + unstarted).toBe(cancelled);
    const attached = await user.runall("attach", id);
    expect(attached.stdout).toContain(`: ${done} done, ${cancelled} cancelled.`);
    expect(attached.exitCode).toBe(1);

    const retried = await user.runall("retry", id);
    expect(retried.stdout).toContain("12 runs in");
    expect(retried.stdout).toContain(": 12 done.");
    expect(retried.exitCode).toBe(0);
    expect(await listing(id)).toMatchObject({ cancelled: false, states: { done: 12 }, superseded: {} });
    expect(await scalars()).toHaveLength(12);
    expect(await user.runall("attach", id)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(": 12 done.") as string,
    });
    expect(await user.runall("retry", id)).toMatchObject({ exitCode: 2 });
    expect((await view(id)).summary.states).toEqual({ done: 12 });

    const again = await user.runall("-c", "Load", "-r", "0..4", "--rerun");
    expect(again.exitCode).toBe(0);
    const later = await newest();
    expect(await listing(id)).toMatchObject({ states: { done: 12 }, superseded: { [later]: 5 } });
    expect((await user.runall("list")).stdout).toContain(`12 done, 5 of them superseded by ${later}`);
    const old = (await user.runall("logs", id)).stdout;
    expect(old.match(new RegExp(`: done, .*; superseded by ${later}$`, "gm"))).toHaveLength(5);
    expect(old.match(/: done, /g)).toHaveLength(12);
    expect((await user.runall("attach", id)).stdout).toContain(
      `: 12 done, 5 of them superseded by ${later}.`,
    );
    expect(await user.runall("logs", id, "2")).toMatchObject({
      exitCode: 2,
      stdout: "",
      stderr: expect.stringContaining(`superseded by campaign ${later}`) as string,
    });
    expect((await user.runall("logs", id, "7")).stdout).toContain("Calling finish()");
    expect((await user.runall("logs", later, "2")).stdout).toContain("Calling finish()");
    expect((await user.runall("logs", later)).stdout.match(/: done, /g)).toHaveLength(5);
    await eventually(async () => {
      const { summary, columns, rows } = await view(id);
      expect(summary.states).toEqual({ done: 12 });
      const at = columns.indexOf("supersededBy");
      expect(rows.filter((row) => row[at] === later)).toHaveLength(5);
    });
    expect(await output(id, 2)).toContain(`campaign ${later} has executed run 2 again`);
    expect(await output(id, 7)).toContain("Calling finish()");
  });

  it("contains failed runs, also those completed by a later campaign", async () => {
    await user.runall("-c", "Broken");
    const id = await newest();
    expect(await listing(id)).toMatchObject({ states: { done: 2, failed: 1 } });
    expect((await user.runall("list")).stdout).toContain("2 done, 1 failed");
    await user.runall("-c", "Broken"); // only run 1
    const later = await newest();
    expect((await user.runall("logs", id)).stdout).toMatch(
      new RegExp(`^Broken #1 .*: failed, .*; superseded by ${later}$`, "m"),
    );
    const attached = await user.runall("attach", id);
    expect(attached.stdout).toContain(`2 done, 1 failed, 1 of them superseded by ${later}`);
    expect(attached.exitCode).toBe(1);
    const retry = await user.runall("retry", id);
    expect(retry).toMatchObject({ exitCode: 2 }); // it belongs to the later campaign now
    expect((await user.runall("retry", later)).stdout).toContain("1 failed");
    expect(await listing(later)).toMatchObject({ states: { failed: 1 } });
  });

  it("reports that a campaign has ended when somebody cancels it, and changes nothing", async () => {
    await user.runall("-c", "Quick", "-r", "0..1");
    const id = await newest();
    const cancel = await user.runall("cancel", id);
    expect(cancel).toMatchObject({
      exitCode: 0,
      stdout: `campaign ${id} has already ended; nothing was cancelled\n`,
    });
    expect(await listing(id)).toMatchObject({ cancelled: false, states: { done: 2 } });
    expect((await user.runall("attach", id)).stdout).toContain(": 2 done.");

    const waiting = await queued(user, "-c", "Quick", "-r", "2..3");
    await eventually(async () =>
      expect(await jobsOf(user)).toEqual({ waiting: 0, running: 0, uncollected: 2 }),
    );
    expect((await user.runall("cancel", waiting)).stdout).toBe(
      `campaign ${waiting} has already ended; nothing was cancelled; 2 runs not yet collected; run: runall-swarm attach ${waiting}\n`,
    );
    expect((await user.runall("attach", waiting)).stdout).toContain(": 2 done.");
  });

  it("retries runs that --stop-on-error has cancelled, and those that a cancelled campaign never started", async () => {
    await using held = await holdRuns(user, 6); // run 4 is the first that fails
    await user.runall("--stop-on-error", "-c", "Broken", "--repeat=4");
    await held.release();
    const stopped = await newest();
    const { done = 0, failed = 0, cancelled = 0 } = (await listing(stopped)).states;
    expect([done + failed + cancelled, failed > 0, cancelled > 0]).toEqual([12, true, true]);
    const retried = await user.runall("retry", stopped);
    expect(retried.stdout).toContain("12 runs in");

    await held.holdFrom(2);
    const id = await queued(user, "-c", "Load");
    await user.runall("cancel", id);
    await user.runall("attach", id);
    await held.release();
    expect((await listing(id)).states["cancelled"]).toBeGreaterThan(0);
    const again = await user.runall("retry", id);
    expect(again.stdout).toMatch(/^12 runs in .*: 12 done\./m);
    expect(again.exitCode).toBe(0);
    expect((await listing(id)).states).toEqual({ done: 12 });
  });

  it("assigns runs of a cancelled campaign to the later campaign that has completed them", async () => {
    await using held = await holdRuns(user, 2);
    const id = await queued(user, "-c", "Load");
    await user.runall("cancel", id);
    await user.runall("attach", id);
    await held.release();
    const { stdout, exitCode } = await user.runall("-c", "Load");
    expect(stdout).toMatch(/12 runs in .*: 12 done/);
    expect(exitCode).toBe(0);
    expect(await user.runall("retry", id)).toMatchObject({ exitCode: 2 });
    const states = (await listing(id)).states;
    expect(states["cancelled"]).toBeGreaterThan(0);
    expect((states["done"] ?? 0) + states["cancelled"]!).toBe(12);
  });
});
