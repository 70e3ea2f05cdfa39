import { open } from "node:fs/promises";
import type { DashboardSources, RecordFolder } from "../../src/dashboard/sources.ts";
import type { Campaign } from "../../src/model/campaign.ts";
import type { RunRecord } from "../../src/model/result.ts";
import type { QueueWatch, WatchedCampaign } from "../../src/queue/watch.ts";
import type { WatchedSwarm } from "../../src/queue/watched-swarm.ts";
import { someCampaign } from "../helpers/campaign.ts";

/** A campaign of a study in `directory`. */
export function madeCampaign(id: string, runs: number, directory = "/nowhere"): Campaign {
  const study = { config: "Load", checkoutName: "mm1", study: "simulations" };
  return someCampaign({
    id,
    user: "ada",
    host: "here",
    directory,
    createdAt: 1_700_000_000_000,
    runs,
    ...study,
  });
}

export function madeRecord(campaign: string, runNumber: number, more: Partial<RunRecord> = {}): RunRecord {
  return {
    format: 1,
    campaign,
    config: "Load",
    runNumber,
    iterationVariables: { load: String(runNumber % 3) },
    repetition: 0,
    state: "done",
    reason: "Simulation time limit reached",
    wallTimeMs: 1000,
    startedAt: "2026-01-01T00:00:00.000Z",
    finishedAt: "2026-01-01T00:00:01.000Z",
    worker: "here",
    commit: "0".repeat(40),
    build: "key",
    omnetpp: "6.2.0",
    arguments: [],
    files: [],
    ...more,
  };
}

const IDLE: WatchedSwarm = {
  workers: [],
  stopped: [],
  runs: { waiting: 0, delayed: 0, running: 0, uncollected: 0 },
  builds: [],
};

/** A queue whose jobs have all ended; counts how often it was queried. */
export function endedQueue(campaigns: readonly Campaign[]): QueueWatch & { looks: number } {
  const watched = campaigns.map((campaign): WatchedCampaign => ({
    campaign,
    cancelled: false,
    open: 0,
    superseded: 0,
    kept: 0,
  }));
  return {
    looks: 0,
    campaigns() {
      this.looks++;
      return Promise.resolve({ campaigns: watched, damaged: [] });
    },
    openRuns: () => Promise.resolve([]),
    activeJobs: () => Promise.resolve([]),
    endedSince: (time) => Promise.resolve({ ids: [], last: time }),
    jobs: () => Promise.resolve([]),
    keptEnds: () => Promise.resolve(new Map()),
    smallJobs: (_queue, ids) => Promise.resolve([...ids]),
    swarm: () => Promise.resolve(IDLE),
    lastOutput: () => Promise.resolve(undefined),
    [Symbol.dispose]: () => undefined,
  };
}

/** A folder of records that are delivered with the next reading. */
function madeFolder(records: (campaign: Campaign) => RunRecord[]): RecordFolder {
  const waiting: (() => void)[] = [];
  return {
    progress: { done: 0, of: 0 },
    subscribe(campaign, listener) {
      const subscription = { isComplete: false, trouble: () => undefined, [Symbol.dispose]: () => undefined };
      waiting.push(() => {
        for (const record of records(campaign)) listener.recorded(record);
        subscription.isComplete = true;
      });
      return subscription;
    },
    read() {
      for (const deliver of waiting.splice(0)) deliver();
      return Promise.resolve();
    },
    record: (campaign, runNumber) => records(campaign).find((record) => record.runNumber === runNumber),
  };
}

/** Everything has been collected. */
export function collected(records: (campaign: Campaign) => RunRecord[]): DashboardSources {
  const refuse = (): never => {
    throw new Error("not in this test");
  };
  const folder = madeFolder(records);
  return {
    folder: () => Promise.resolve(folder),
    resultFile: (campaign, file) => Promise.resolve(`${campaign.directory}/${file}`),
    readStored: refuse,
    fileProblem: () => Promise.resolve(undefined),
    openFile: ({ directory }, _, file) => open(`${directory}/${file}`),
    localCommand: () => Promise.resolve(undefined),
    resultDirectory: () => Promise.resolve(undefined),
    cancel: refuse,
    retry: refuse,
  };
}
