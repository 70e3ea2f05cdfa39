import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { attempts, poll, type Clock } from "../../src/system/poll.ts";

/** A clock on which only pauses take time. */
class FakeClock implements Clock {
  readonly pauses: number[] = [];
  time = 0;
  now = (): number => this.time;
  sleep = (ms: number, { signal }: { signal?: AbortSignal }): Promise<void> => {
    if (signal?.aborted === true) return delay(0, undefined, { signal });
    this.pauses.push(ms);
    this.time += ms;
    return Promise.resolve();
  };
}

describe("poll", () => {
  test("asks first, and pauses only if there is no answer", async () => {
    const clock = new FakeClock();
    expect(await poll(() => "here", { everyMs: 10 }, clock)).toBe("here");
    expect(clock.pauses).toEqual([]);
  });

  test("asks until there is an answer", async () => {
    const clock = new FakeClock();
    const answers = [undefined, false as const, 0];
    expect(await poll(() => answers.shift(), { everyMs: 10 }, clock)).toBe(0);
    expect(clock.pauses).toEqual([10, 10]);
  });

  test("returns undefined when the time is over", async () => {
    const clock = new FakeClock();
    let asked = 0;
    const never = (): false => {
      asked++;
      return false;
    };
    expect(await poll(never, { everyMs: 10, timeoutMs: 25 }, clock)).toBeUndefined();
    expect(asked).toBe(4); // at 0, 10, 20 and 30 ms
  });

  test("asks once if there is no time at all", async () => {
    const clock = new FakeClock();
    expect(await poll(() => "here", { everyMs: 10, timeoutMs: 0 }, clock)).toBe("here");
    expect(await poll(() => undefined, { everyMs: 10, timeoutMs: -1 }, clock)).toBeUndefined();
    expect(clock.pauses).toEqual([]);
  });

  test("takes an answer that came after the time", async () => {
    const clock = new FakeClock();
    const slow = async (): Promise<string> => {
      await clock.sleep(100, {});
      return "late";
    };
    expect(await poll(slow, { everyMs: 10, timeoutMs: 50 }, clock)).toBe("late");
  });

  test("throws what the question throws", async () => {
    const clock = new FakeClock();
    const fails = (): Promise<string> => Promise.reject(new Error("broken"));
    await expect(poll(fails, { everyMs: 10 }, clock)).rejects.toThrow("broken");
  });
});

describe("attempts", () => {
  test("grows the pause up to the longest one", async () => {
    const clock = new FakeClock();
    const next = attempts({ everyMs: 10, growth: 2, slowestMs: 50 }, clock);
    for (let count = 0; count < 5; count++) expect(await next()).toBe(true);
    expect(clock.pauses).toEqual([10, 20, 40, 50, 50]);
  });

  test("counts the time from its call on", async () => {
    const clock = new FakeClock();
    const next = attempts({ everyMs: 10, timeoutMs: 100 }, clock);
    clock.time = 99;
    expect(await next()).toBe(true);
    expect(await next()).toBe(false);
  });

  test("throws when it is aborted", async () => {
    const next = attempts({ everyMs: 10, signal: AbortSignal.abort() }, new FakeClock());
    await expect(next()).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
  });

  test("ends when it is aborted, if that is asked for", async () => {
    const next = attempts({ everyMs: 10, signal: AbortSignal.abort(), onAbort: "stop" }, new FakeClock());
    expect(await next()).toBe(false);
  });

  test("a pause ends when it is aborted, also on the system's clock", async () => {
    const end = new AbortController();
    const pausing = attempts({ everyMs: 3600_000, signal: end.signal, onAbort: "stop" })();
    end.abort();
    expect(await pausing).toBe(false);
  });
});
