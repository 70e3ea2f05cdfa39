import { expect, it } from "vitest";
import { MemoryBudget, MemoryShortage, type MemoryClaim } from "../../src/worker/execute/memory-budget.ts";
import { TestMemory } from "../helpers/memory.ts";

const GB = 1e9;

/** A machine with 8 GB, of which runs leave 0.32 GB free. */
function machine(now = () => 0) {
  const memory = new TestMemory(8 * GB);
  const budget = new MemoryBudget({ memory, now });
  const start = (pid: number, bytes: number, need?: number): MemoryClaim => {
    const claim = budget.claim(need);
    claim.watch(pid);
    memory.processes.set(pid, bytes);
    return claim;
  };
  const end = (pid: number, claim: MemoryClaim): void => {
    memory.processes.delete(pid);
    claim.release();
  };
  return { memory, budget, start, end, [Symbol.dispose]: () => budget[Symbol.dispose]() };
}

it("reserves for each run what it is expected to need, or what it uses if that is more", () => {
  using here = machine();
  here.start(1, 0, 3 * GB);
  expect(here.budget.fits(4.6 * GB)).toBe(true);
  expect(here.budget.fits(4.7 * GB)).toBe(false);
  here.memory.processes.set(1, 2 * GB);
  here.budget.look();
  expect(here.budget.fits(4.6 * GB)).toBe(true);
  here.memory.processes.set(1, 5 * GB);
  here.budget.look();
  expect(here.budget.fits(2.6 * GB)).toBe(true);
  expect(here.budget.fits(2.7 * GB)).toBe(false);
});

it("admits a run that would be alone, whatever it needs", () => {
  using here = machine();
  expect(here.budget.fits(100 * GB)).toBe(true);
  const large = here.start(1, 0, 100 * GB);
  expect(here.budget.fits(undefined)).toBe(false);
  here.end(1, large);
  expect(here.budget.fits(100 * GB)).toBe(true);
});

it("admits runs of which nothing is known, and stops the youngest when they use up the memory", () => {
  using here = machine();
  const claims = [1, 2, 3, 4].map((pid) => {
    expect(here.budget.fits(undefined)).toBe(true);
    return here.start(pid, 0.1 * GB);
  });
  for (const bytes of [0.5, 1, 1.5].map((each) => each * GB)) {
    for (const pid of here.memory.processes.keys()) here.memory.processes.set(pid, bytes);
    here.budget.look(); // after the last one, the next would find nothing left
  }
  expect(claims.map(({ signal }) => signal.aborted)).toEqual([false, false, false, true]);
  expect(claims[3]!.signal.reason).toBeInstanceOf(MemoryShortage);
  expect((claims[3]!.signal.reason as MemoryShortage).neededBytes).toBeCloseTo(1.25 * 1.5 * GB, -3);
});

it("stops one run after the other, and never the last one", () => {
  let now = 0;
  using here = machine(() => now);
  const claims = [1, 2, 3].map((pid) => here.start(pid, 2.65 * GB));
  const stopped = (): boolean[] => claims.map(({ signal }) => signal.aborted);
  here.budget.look();
  here.budget.look();
  expect(stopped()).toEqual([false, false, true]); // it may take a while to end
  here.end(3, claims[2]!);
  here.memory.processes.set(1, 5.3 * GB);
  here.budget.look();
  expect(stopped()).toEqual([false, true, true]);
  here.end(2, claims[1]!);
  here.memory.processes.set(1, 8 * GB);
  now += 60_000;
  here.budget.look();
  expect(stopped()).toEqual([false, true, true]);
});

it("stops no run whose process has just ended or has not been started", () => {
  using here = machine();
  const claims = [1, 2, 3].map((pid) => here.start(pid, 3.95 * GB));
  here.memory.processes.delete(3);
  const unstarted = here.budget.claim(undefined);
  here.budget.look();
  expect([...claims, unstarted].map(({ signal }) => signal.aborted)).toEqual([false, true, false, false]);
  expect((claims[1]!.signal.reason as MemoryShortage).neededBytes).toBeGreaterThan(3.9 * GB);
});

it("stops a run before the memory is used up if the memory decreases quickly", () => {
  using here = machine();
  const claims = [1, 2].map((pid) => here.start(pid, 1 * GB));
  here.budget.look();
  here.memory.processes.set(1, 5 * GB);
  here.budget.look();
  expect(claims.map(({ signal }) => signal.aborted)).toEqual([false, true]);
});

it("admits no unknown run after one was stopped, until another one has ended or some time has passed", () => {
  let now = 0;
  using here = machine(() => now);
  const [first, second, third] = [1, 2, 3].map((pid) => here.start(pid, 2.65 * GB)) as [
    MemoryClaim,
    MemoryClaim,
    MemoryClaim,
  ];
  here.budget.look();
  here.end(3, third);
  expect(here.budget.fits(undefined)).toBe(false);
  expect(here.budget.fits(1 * GB)).toBe(true);
  now += 10_000;
  expect(here.budget.fits(undefined)).toBe(true);
  now -= 10_000;
  here.end(2, second);
  expect(here.budget.fits(undefined)).toBe(true);
  here.end(1, first);
});

it("executes a run again that the kernel killed beside others, but not one that was alone", () => {
  using here = machine();
  const alone = here.start(1, 7 * GB);
  expect(() => alone.throwIfCrowded()).not.toThrow();
  const other = here.start(2, 0.1 * GB);
  expect(() => alone.throwIfCrowded()).toThrow(MemoryShortage);
  here.end(1, alone);
  expect(() => other.throwIfCrowded()).toThrow(expect.objectContaining({ neededBytes: 8 * GB }));
});

it("limits runs by their expected memory alone where the memory in use is not known", () => {
  const memory = { total: () => 8 * GB, available: () => 8 * GB, usedBy: () => undefined };
  using budget = new MemoryBudget({ memory });
  budget.claim(4 * GB).watch(1);
  budget.look();
  expect(budget.fits(3 * GB)).toBe(true);
  expect(budget.fits(4 * GB)).toBe(false);
  expect(budget.fits(undefined)).toBe(true);
});

it("ends the waiting for memory when a run has ended", async () => {
  using here = machine();
  const claim = here.start(1, 0);
  const changed = here.budget.changed(3600_000);
  here.end(1, claim);
  await expect(changed).resolves.toBeUndefined();
  await expect(here.budget.changed(1)).resolves.toBeUndefined();
});
