import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { Health } from "../../src/worker/health.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** A worker's health with what it has reported; it looks again after a millisecond. */
async function someHealth() {
  const directory = await temporaryDirectory();
  const folder = path.join(directory.path, "slots");
  const reported: (string | undefined)[] = [];
  const stores = { trouble: undefined as Error | undefined };
  const end = new AbortController();
  const health = new Health({
    directories: [folder],
    checkStores: () => (stores.trouble === undefined ? Promise.resolve() : Promise.reject(stores.trouble)),
    report: { set: (reason) => void reported.push(reason) },
    signal: end.signal,
    firstPauseMs: 1,
  });
  return { health, folder, reported, stores, end, [Symbol.asyncDispose]: directory[Symbol.asyncDispose] };
}

/** Whether it lets a job be taken now. */
async function isOpen(health: Health): Promise<boolean> {
  return (await Promise.race([
    health.mayStart().then(() => true),
    new Promise((resolve) => setImmediate(resolve, false)),
  ])) as boolean;
}

it("makes its folders again, and blames the job where nothing is wrong here", async () => {
  await using some = await someHealth();
  const { health, folder, reported } = some;
  await rm(folder, { recursive: true, force: true });
  expect(await health.judge(new Error("ENOENT"))).toEqual({ ok: true });
  expect(await isOpen(health)).toBe(true);
  expect(reported).toEqual([]);
});

it("takes no jobs while a folder cannot be used, says so, and goes on when it can", async () => {
  await using some = await someHealth();
  const { health, folder, reported } = some;
  await writeFile(folder, "a file is in the way");
  expect(await health.judge(new Error("ENOTDIR"))).toEqual({
    ok: false,
    reason: expect.stringContaining(`cannot use ${folder}: EEXIST`) as string,
  });
  expect(await isOpen(health)).toBe(false);
  await rm(folder);
  await health.mayStart();
  expect(reported[0]).toMatch("cannot use");
  expect(reported.at(-1)).toBeUndefined();
});

it("does the same while the stores take nothing", async () => {
  await using some = await someHealth();
  const { health, reported, stores } = some;
  stores.trouble = new Error("MongoDB does not answer");
  await Promise.all([
    health.untilWell(),
    new Promise((resolve) => setImmediate(resolve)).then(() => (stores.trouble = undefined)),
  ]);
  expect(reported.at(-1)).toBeUndefined();
});

it("pauses after several jobs in a row that could not be done, and then tries with one", async () => {
  await using some = await someHealth();
  const { health, reported } = some;
  for (let times = 0; times < 5; times++) {
    expect(await isOpen(health)).toBe(true);
    await health.judge(new Error("no such program"));
  }
  expect(reported).toEqual(["5 jobs in a row failed: no such program"]);
  expect(await isOpen(health)).toBe(false);
  await health.mayStart();
  await health.judge(new Error("no such program")); // the one that was let through
  expect(await isOpen(health)).toBe(false);
  await health.mayStart();
  health.isWell();
  expect(await isOpen(health)).toBe(true);
  expect(reported.at(-1)).toBeUndefined();
});

it("does not count what is the fault of a job", async () => {
  await using some = await someHealth();
  const { health, reported } = some;
  for (let times = 0; times < 20; times++)
    await health.judge(new Error("its program cannot be started"), false);
  expect(await isOpen(health)).toBe(true);
  expect(reported).toEqual([]);
});

it("lets the worker end while it waits", async () => {
  await using some = await someHealth();
  const { health, folder, end } = some;
  await mkdir(path.dirname(folder), { recursive: true });
  await writeFile(folder, "");
  await health.judge(new Error("ENOTDIR"));
  end.abort();
  await health.mayStart();
});
