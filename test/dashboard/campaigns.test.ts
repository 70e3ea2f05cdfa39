import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Campaigns, UnknownCampaign } from "../../src/dashboard/campaigns.ts";
import type { Campaign } from "../../src/model/campaign.ts";
import { collected, endedQueue, madeCampaign, madeRecord } from "./made.ts";

const big = madeCampaign("big", 30);
const small = madeCampaign("small", 10);
const sources = collected(({ id, runs }) => Array.from({ length: runs }, (_, run) => madeRecord(id, run)));

beforeEach(() => vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

it("shows the rows of an ended campaign that is larger than the cache", async () => {
  const campaigns = new Campaigns(endedQueue([big, small]), sources, { keptRows: 20 });
  expect((await campaigns.overview()).campaigns.map(({ id, states }) => [id, states])).toEqual([
    ["big", { done: 30 }],
    ["small", { done: 10 }],
  ]);
  for (const id of ["big", "small", "big"]) {
    const view = await campaigns.view(id);
    expect([view.campaign.id, view.rows.size]).toEqual([id, view.campaign.runs]);
    vi.advanceTimersByTime(60_000);
  }
  await expect(campaigns.view("nosuch")).rejects.toThrow(UnknownCampaign);
});

it("keeps the rows of the campaign that a page shows, although others request a larger one", async () => {
  const read = vi.fn(({ id, runs }: Campaign) =>
    Array.from({ length: runs }, (_, run) => madeRecord(id, run)),
  );
  const campaigns = new Campaigns(endedQueue([big, small]), collected(read), { keptRows: 20 });
  await campaigns.view("big");
  await campaigns.view("small");
  read.mockClear();
  for (let second = 0; second < 5; second++) {
    vi.advanceTimersByTime(1000);
    await campaigns.view("big");
    await campaigns.view("small");
  }
  expect(read).not.toHaveBeenCalled();
});

it("is not stale for long after a slow query", async () => {
  const queue = endedQueue([small]);
  const slow = collected(({ id }) => {
    vi.advanceTimersByTime(20_000); // 100,000 jobs that are read for the first time
    return [madeRecord(id, 0)];
  });
  const campaigns = new Campaigns(queue, slow);
  await campaigns.overview();
  await campaigns.overview();
  expect(queue.looks).toBe(1);
  vi.advanceTimersByTime(5000);
  await campaigns.overview();
  expect(queue.looks).toBe(2);
});
