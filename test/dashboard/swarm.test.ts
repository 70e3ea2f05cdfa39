import { expect, it } from "vitest";
import { Campaigns } from "../../src/dashboard/campaigns.ts";
import { runJobId } from "../../src/model/campaign.ts";
import type { QueueWatch } from "../../src/queue/watch.ts";
import type { JobFacts } from "../../src/queue/watched-jobs.ts";
import type { WatchedSwarm } from "../../src/queue/watched-swarm.ts";
import { collected, endedQueue, madeCampaign } from "./made.ts";

const NOW = Date.now();
const quick = madeCampaign("quick", 6);
const other = madeCampaign("other", 1);

/** A job of the campaign `quick`: of a run that is executed by a machine, or that waits. */
function job(runNumber: number, worker: string | undefined, progress?: object): JobFacts {
  const run = { config: "Load", runNumber, iterationVariables: {}, repetition: runNumber };
  const startedAt = worker === undefined ? undefined : NOW - 60_000;
  return { run, startedAt, finishedAt: undefined, worker, progress, result: undefined };
}

function swarmWith(jobs: JobFacts[], watched: Partial<WatchedSwarm> = {}): Campaigns {
  const queue = endedQueue([quick, other]);
  const numbers = jobs.map(({ run }) => run!.runNumber);
  const isRunning = ({ startedAt }: JobFacts): boolean => startedAt !== undefined;
  const made: QueueWatch = {
    ...queue,
    async campaigns() {
      const { campaigns, damaged } = await queue.campaigns();
      const open = (id: string): number => (id === "quick" ? jobs.length : 1);
      return { campaigns: campaigns.map((each) => ({ ...each, open: open(each.campaign.id) })), damaged };
    },
    openRuns: (id) => Promise.resolve(id === "quick" ? numbers : [0]),
    activeJobs: () =>
      Promise.resolve(jobs.filter(isRunning).map(({ run }) => runJobId("quick", run!.runNumber))),
    jobs: (id, wanted) =>
      Promise.resolve(
        wanted.map((number) =>
          id === "quick" ? jobs.find(({ run }) => run!.runNumber === number) : job(0, undefined),
        ),
      ),
    swarm: async () => ({ ...(await queue.swarm()), ...watched }),
  };
  return new Campaigns(
    made,
    collected(() => []),
  );
}

const progress = { type: "progress", events: 1, simTime: "1", percent: 50 };

it("counts occupied runners, not the runs that wait in a batch or whose results are being stored", async () => {
  const campaigns = swarmWith(
    [
      job(0, "node2", { type: "batch", runs: [1, 2] }),
      job(1, "node2"),
      job(2, "node2"),
      job(3, "node10", progress),
      job(4, "node10", progress),
      job(5, undefined),
    ],
    {
      workers: [
        { role: "runner", host: "node10", slots: 1 },
        { role: "runner", host: "node2", slots: 4 },
        { role: "builder", host: "node2", slots: 1 },
      ],
      stopped: [{ role: "builder", host: "node2", reason: "the disk is full" }],
    },
  );
  const { machines, ...swarm } = await campaigns.swarm();
  expect(machines).toEqual([
    {
      name: "node2",
      roles: ["runner", "builder"],
      slots: 4,
      busy: 1,
      storing: 0,
      isConnected: true,
      troubles: ["the builder has stopped taking jobs: the disk is full"],
    },
    { name: "node10", roles: ["runner"], slots: 1, busy: 1, storing: 1, isConnected: true, troubles: [] },
  ]);
  expect(swarm).toMatchObject({ busy: 2, slots: 5, unknown: 1 });
  const { swarm: brief, campaigns: summaries } = await campaigns.overview();
  expect(brief).toEqual({
    busy: 2,
    slots: 5,
    slotsOf: { node2: 4, node10: 1 },
    leftMs: swarm.leftMs,
    unknown: 1,
  });
  const lefts = summaries.map(({ id, leftMs }) => [id, leftMs === undefined]);
  expect(lefts).toEqual([
    ["quick", false],
    ["other", true],
  ]);
  expect(brief.leftMs).toBeGreaterThan(0);
});

it("shows a machine that has gone with its runs, and does not invent a number of slots", async () => {
  const gone = swarmWith([job(0, "gone"), job(1, undefined)], {
    workers: [{ role: "runner", host: "old", slots: undefined }],
  });
  const { machines, slots, busy } = await gone.swarm();
  expect(machines.map(({ name, isConnected, busy }) => [name, isConnected, busy])).toEqual([
    ["gone", false, 1],
    ["old", true, 0],
  ]);
  expect([slots, busy]).toEqual([undefined, 1]);

  const unknown = await swarmWith([job(0, "node")], { workers: undefined }).swarm();
  expect(unknown.slots).toBeUndefined();
  expect(unknown.machines).toMatchObject([{ name: "node", isConnected: true, busy: 1 }]);
});

it("expects no end if nothing is left", async () => {
  const campaigns = new Campaigns(
    endedQueue([quick]),
    collected(() => []),
  );
  expect(await campaigns.swarm()).toMatchObject({ busy: 0, slots: 0, leftMs: undefined, unknown: 0 });
});
