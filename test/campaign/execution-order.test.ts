import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ExecutionOrder } from "../../src/campaign/collect/execution-order.ts";
import type { CampaignEvent } from "../../src/model/events.ts";
import type { RunRecord } from "../../src/model/result.ts";
import type { Run } from "../../src/model/run.ts";
import { RunTimes } from "../../src/model/run-times.ts";

const SECOND = 1000;
/** 3 × 2 runs: `hosts` is 1, 10, 100, with two repetitions each. */
const RUNS: Run[] = ["1", "10", "100"].flatMap((hosts, index) =>
  [0, 1].map((repetition) => ({
    config: "General",
    runNumber: 2 * index + repetition,
    iterationVariables: { hosts },
    repetition,
  })),
);

/** An order of `RUNS`, of which nothing is known, and what it has done. */
function newOrder(times = new RunTimes()) {
  const orders: (readonly number[])[] = [];
  const queue = {
    answer: (): Promise<void> => Promise.resolve(),
    reorder: (_: string, numbers: readonly number[]) => {
      orders.push(numbers);
      return queue.answer();
    },
  };
  const order = new ExecutionOrder("c1", queue, RUNS, times);
  return {
    orders,
    queue,
    observe: (event: CampaignEvent) => order.observe(event),
    start: (...numbers: number[]) => {
      for (const number of numbers) order.observe({ type: "started", run: RUNS[number]! });
    },
    finish: (number: number, wallTimeMs: number, state: RunRecord["state"] = "done") =>
      order.observe({
        type: "finished",
        run: RUNS[number]!,
        record: { state, wallTimeMs } as RunRecord,
        warnings: [],
      }),
    progress: (number: number, percent: number) =>
      order.observe({
        type: "progress",
        run: RUNS[number]!,
        progress: { percent, simulatedTime: 0, events: 0 } as never,
      }),
    update: async () => {
      const events: CampaignEvent[] = [];
      for (const event of order.update()) events.push(event);
      await new Promise(setImmediate); // the queue answers
      return events;
    },
  };
}

describe("the order of execution", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
  afterEach(() => void vi.useRealTimers());

  it("follows what is learnt, at most every two seconds", async () => {
    const { orders, start, finish, update } = newOrder();
    start(0, 2);
    finish(0, 2 * SECOND);
    expect(await update()).toEqual([]);
    vi.advanceTimersByTime(2 * SECOND);
    finish(2, 20 * SECOND);
    const [event] = await update();
    expect(orders).toEqual([[4, 5, 3, 1]]);
    expect(event).toMatchObject({ type: "predicted", runs: 4 });
    start(4);
    finish(4, 200 * SECOND);
    expect(await update()).toEqual([]);
  });

  it("learns from the progress of running runs", async () => {
    const { orders, start, progress, update } = newOrder();
    start(0, 4);
    vi.advanceTimersByTime(10 * SECOND);
    progress(0, 50);
    progress(4, 6);
    await update();
    expect(orders).toEqual([[5, 2, 3, 1]]);
  });

  it("learns nothing from failures, and asks the queue for nothing if the order is right", async () => {
    const { orders, start, finish, update } = newOrder();
    vi.advanceTimersByTime(5 * SECOND);
    start(0, 1, 2);
    finish(0, 90 * SECOND, "failed");
    expect(await update()).toEqual([]);
    finish(1, 5 * SECOND);
    finish(2, 5 * SECOND);
    expect(await update()).toHaveLength(1);
    expect(orders).toEqual([]);
  });

  it("is left as it is while the queue does not respond, and for good after it has refused", async () => {
    const { orders, queue, start, finish, update } = newOrder();
    let refuse = (_: Error): void => undefined;
    queue.answer = () => new Promise((_, reject) => (refuse = reject));
    const learn = (number: number, seconds: number): void => {
      start(number);
      finish(number, seconds * SECOND);
      vi.advanceTimersByTime(5 * SECOND);
    };
    learn(0, 2);
    learn(2, 20);
    expect(await update()).toMatchObject([{ type: "predicted" }]);
    learn(4, 200);
    expect(await update()).toEqual([]);
    refuse(new Error("READONLY You can't write against a read only replica."));
    await new Promise(setImmediate);
    expect(await update()).toMatchObject([
      { type: "warning", message: expect.stringContaining("READONLY") as string },
    ]);
    learn(1, 90);
    expect(await update()).toEqual([]);
    expect(orders).toHaveLength(1);
  });

  it("contains a run again that was handed back", async () => {
    const times = new RunTimes();
    for (const run of RUNS) times.addEarlier(run, Number(run.iterationVariables["hosts"]) * SECOND);
    const { orders, start, finish, observe, update } = newOrder(times);
    expect(await update()).toMatchObject([{ runs: 6 }]);
    start(4, 5, 2);
    observe({ type: "held", run: RUNS[4]!, reason: "no space left on device" });
    vi.advanceTimersByTime(5 * SECOND);
    finish(5, 90 * SECOND);
    expect(await update()).toMatchObject([{ type: "predicted", runs: 4 }]);
    expect(orders.at(-1)![0]).toBe(4);
  });
});
