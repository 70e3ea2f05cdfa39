import { hostname } from "node:os";
import path from "node:path";
import { expect, it, vi } from "vitest";
import { writeNote } from "../../src/campaign/collect/notes.ts";
import { writeRecord } from "../../src/campaign/collect/records.ts";
import { forgetCollected } from "../../src/campaign/run/fetch-uncollected.ts";
import type { RunRecord } from "../../src/model/result.ts";
import type { QueueClient } from "../../src/queue/client.ts";
import { openDirectoryStore } from "../../src/stores/directory-store.ts";
import { someCampaign } from "../helpers/campaign.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const RUN = { config: "General", runNumber: 0, iterationVariables: {}, repetition: 0 };
const ENDED_AT = 5000;

/** Queries run 0, which is recorded and still in the queue, and returns the runs that are removed from the queue. */
async function forgottenRuns(collected: boolean, finishedAt: number): Promise<number[]> {
  await using temporary = await temporaryDirectory();
  vi.stubEnv("XDG_STATE_HOME", temporary.path);
  const gitTop = path.join(temporary.path, "checkout");
  const directory = path.join(gitTop, "study");
  const study = { gitTop, directory, resultDirectory: path.join(directory, "results"), outside: [] };
  const campaign = someCampaign({ id: "c2345678", identity: "i", host: hostname(), study: "study" });
  await writeNote({ campaign, study, collected });
  const record = {
    ...RUN,
    format: 1,
    campaign: campaign.id,
    state: "done",
    reason: "",
    identity: "i",
    files: [],
  };
  const times = { startedAt: new Date(0).toISOString(), finishedAt: new Date(ENDED_AT).toISOString() };
  await writeRecord(study.resultDirectory, {
    ...record,
    ...times,
    wallTimeMs: 1,
    worker: "w",
    commit: "a".repeat(40),
    build: "b",
    omnetpp: "6.2.0",
    arguments: [],
  } as unknown as RunRecord);
  const removed: number[] = [];
  const queue = {
    list: () => Promise.resolve([{ campaign, ended: 1, waiting: 0, running: 0, cancelled: false }]),
    find: () => Promise.resolve({ open: [RUN], unstarted: [], damaged: [] }),
    result: () => Promise.resolve({ finishedAt }),
    collected: (_: string, { runNumber }: typeof RUN) => Promise.resolve(removed.push(runNumber)),
  } as unknown as QueueClient;
  const store = openDirectoryStore(path.join(temporary.path, "store"));
  for await (const event of forgetCollected({ study, identity: "i", runs: [RUN] }, { queue, store }))
    expect(event).toBeUndefined();
  vi.unstubAllEnvs();
  return removed;
}

it("removes a run from the queue if its record was written by a client that stopped then", async () => {
  expect(await forgottenRuns(false, ENDED_AT)).toEqual([0]);
});

it("leaves a run that was executed again since", async () => {
  expect(await forgottenRuns(false, ENDED_AT + 1)).toEqual([]);
});

it("does not query the queue about campaigns that have been collected", async () => {
  expect(await forgottenRuns(true, ENDED_AT)).toEqual([]);
});
