import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Campaigns } from "../../src/dashboard/campaigns.ts";
import type { DashboardSources, RecordFolder } from "../../src/dashboard/sources.ts";
import type { QueueWatch } from "../../src/queue/watch.ts";
import type { JobFacts } from "../../src/queue/watched-jobs.ts";
import { collected, endedQueue, madeCampaign, madeRecord } from "./made.ts";

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

const campaign = madeCampaign("abcdefgh", 1);
const record = madeRecord(campaign.id, 0);

/** What a client does when it collects a run, in its order. */
const STEPS = ["record is written", "job is removed", "run is no longer open"] as const;

/** A run that is in the queue until a client collects it, whose steps happen right after chosen readings. */
class CollectedRun {
  readonly #moments: readonly number[];
  #readings = 0;

  /** @param moments of each of the steps: the number of readings before it. */
  constructor(moments: readonly number[]) {
    this.#moments = moments;
  }

  /** Returns what is read now; steps that are due happen after it. */
  look<T>(value: (hasHappened: (step: (typeof STEPS)[number]) => boolean) => T): T {
    const found = value((step) => this.#readings > this.#moments[STEPS.indexOf(step)]!);
    this.#readings++;
    return found;
  }

  get queue(): QueueWatch {
    const queue = endedQueue([campaign]);
    const job: JobFacts = {
      run: { config: "Load", runNumber: 0, iterationVariables: { load: "0" }, repetition: 0 },
      startedAt: undefined,
      finishedAt: undefined,
      progress: undefined,
      result: undefined,
    };
    return {
      ...queue,
      campaigns: () =>
        Promise.resolve({
          campaigns: [
            {
              campaign,
              cancelled: false,
              open: this.look((has) => (has("run is no longer open") ? 0 : 1)),
              superseded: 0,
              kept: 0,
            },
          ],
          damaged: [],
        }),
      openRuns: () => Promise.resolve(this.look((has) => (has("run is no longer open") ? [] : [0]))),
      jobs: (_, numbers) =>
        Promise.resolve(numbers.map(() => this.look((has) => (has("job is removed") ? undefined : job)))),
    };
  }

  /** The folder of records, which the dashboard reads as a whole and one by one. */
  get sources(): DashboardSources {
    const records = (): (typeof record)[] => this.look((has) => (has("record is written") ? [record] : []));
    const delivered: (() => void)[] = [];
    const folder: RecordFolder = {
      progress: { done: 0, of: 0 },
      subscribe(_, listener) {
        const subscription = {
          isComplete: false,
          trouble: () => undefined,
          [Symbol.dispose]: () => undefined,
        };
        delivered.push(() => {
          for (const each of records()) listener.recorded(each);
          subscription.isComplete = true;
        });
        return subscription;
      },
      read() {
        for (const deliver of delivered) deliver();
        return Promise.resolve();
      },
      record: () => records()[0],
    };
    return { ...collected(() => []), folder: () => Promise.resolve(folder) };
  }
}

interface Shown {
  states: Record<string, number>;
}

const MOST_READINGS = 9;
const moments = Array.from({ length: MOST_READINGS }, (_, written) =>
  Array.from({ length: 3 }, (_, between) =>
    Array.from({ length: 3 }, (_, last) => [written, written + between, written + between + last]),
  ),
).flat(2);

it("has a run in every answer, whenever a client collects it", async () => {
  for (const each of moments) {
    const run = new CollectedRun(each);
    const campaigns = new Campaigns(run.queue, run.sources);
    for (let answers = 0; answers < 4; answers++) {
      const [summary] = (await campaigns.overview()).campaigns;
      const at = { moments: each, answers };
      expect({ ...at, states: summary!.states }).toSatisfy(
        ({ states: { queued = 0, done = 0, ...others } }: Shown) =>
          queued + done === 1 && Object.keys(others).length === 0,
      );
      vi.advanceTimersByTime(60_000);
    }
    const [last] = (await campaigns.overview()).campaigns;
    expect([each, last!.states]).toEqual([each, { done: 1 }]);
  }
});
