import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Campaigns } from "../../src/dashboard/campaigns.ts";
import type { Summary } from "../../src/model/dashboard.ts";
import { DamagedEntry, NoAnswer, type QueueWatch } from "../../src/queue/watch.ts";
import { collected, endedQueue, madeCampaign, madeRecord } from "./made.ts";

const ill = madeCampaign("ill", 2);
const well = madeCampaign("well", 2);
const records = collected(({ id, runs }) => Array.from({ length: runs }, (_, run) => madeRecord(id, run)));

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

/** A queue in which all runs of one campaign are open, without a job. */
function openQueue(more: Partial<QueueWatch>): QueueWatch {
  const queue = endedQueue([ill, well]);
  return {
    ...queue,
    async campaigns() {
      const { campaigns, damaged } = await queue.campaigns();
      return {
        campaigns: campaigns.map((each) => ({ ...each, open: each.campaign === ill ? 2 : 0 })),
        damaged,
      };
    },
    openRuns: () => Promise.resolve([0, 1]),
    jobs: (_, numbers) => Promise.resolve(numbers.map(() => undefined)),
    ...more,
  };
}

const shown = ({ id, states, trouble }: Summary): unknown[] => [id, states, trouble];

it.each([
  [
    "a file that cannot be opened",
    Object.assign(new Error("EMFILE: too many open files"), { syscall: "open" }),
  ],
  ["a damaged entry", new DamagedEntry("an entry of the queue is damaged")],
])("shows %s with its campaign, and tries again", async (_, error) => {
  let isIll = true;
  const openRuns = (): Promise<number[]> => (isIll ? Promise.reject(error) : Promise.resolve([0, 1]));
  const errors: Error[] = [];
  const campaigns = new Campaigns(openQueue({ openRuns }), records, { onError: (each) => errors.push(each) });
  expect((await campaigns.overview()).campaigns.map(shown)).toEqual([
    ["ill", { done: 2 }, error.message],
    ["well", { done: 2 }, undefined],
  ]);
  isIll = false;
  vi.advanceTimersByTime(60_000);
  expect((await campaigns.overview()).campaigns.map(shown)).toEqual([
    ["ill", { done: 2 }, undefined],
    ["well", { done: 2 }, undefined],
  ]);
  expect(errors).toEqual([]);
});

it("hides the details of a bug, which are in the log", async () => {
  const bug = new TypeError("x is undefined");
  const errors: Error[] = [];
  const queue = openQueue({ openRuns: () => Promise.reject(bug) });
  const campaigns = new Campaigns(queue, records, { onError: (each) => errors.push(each) });
  const [first] = (await campaigns.overview()).campaigns;
  expect([first!.trouble, errors]).toEqual(["this is a bug; see the dashboard's log", [bug]]);
});

it("keeps what is known of a run while its record cannot be read", async () => {
  const folder = (await records.folder(ill))!;
  const failing = {
    ...folder,
    record: (): never => {
      throw Object.assign(new Error("EIO"), { syscall: "read" });
    },
  };
  const sources = { ...records, folder: () => Promise.resolve(failing) };
  const campaigns = new Campaigns(openQueue({}), sources);
  const [first] = (await campaigns.overview()).campaigns;
  expect(shown(first!)).toEqual(["ill", { done: 2 }, "EIO"]);
});

it("counts runs without a job as queued, and damaged ones as unreadable", async () => {
  const none = collected(() => []);
  const damaged = {
    run: undefined,
    startedAt: undefined,
    finishedAt: undefined,
    progress: undefined,
    result: undefined,
  };
  const queue = openQueue({
    jobs: (_, numbers) => Promise.resolve(numbers.map((n) => (n === 0 ? undefined : damaged))),
  });
  const [first] = (await new Campaigns(queue, none).overview()).campaigns;
  expect(shown(first!)).toEqual([
    "ill",
    { queued: 1, unreadable: 1 },
    "the entries of a run in the queue are damaged",
  ]);
  expect(first!.actions).toEqual({ cancel: true, retry: 0, hint: undefined });
});

it("fails as a whole only if the queue does not respond", async () => {
  const queue = openQueue({ openRuns: () => Promise.reject(new NoAnswer("the queue is not responding")) });
  await expect(new Campaigns(queue, records).overview()).rejects.toThrow(NoAnswer);
});

it("answers while records are being read, with the progress", async () => {
  const folder = (await records.folder(well))!;
  let finish = (): void => undefined;
  const slow = {
    ...folder,
    progress: { done: 3, of: 8 },
    read: () => new Promise<void>((resolve) => (finish = () => void folder.read().then(resolve))),
  };
  const campaigns = new Campaigns(endedQueue([well]), { ...records, folder: () => Promise.resolve(slow) });
  const reading = (await campaigns.overview()).campaigns[0]!;
  expect([reading.states, reading.reading]).toEqual([{ unread: 2 }, { done: 3, of: 8 }]);
  finish();
  vi.advanceTimersByTime(60_000);
  const read = (await campaigns.overview()).campaigns[0]!;
  expect([read.states, read.reading]).toEqual([{ done: 2 }, undefined]);
});
