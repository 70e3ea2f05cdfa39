import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { Health } from "../../src/worker/health.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** A worker's health and its reports; it checks again after a millisecond. */
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

/** Whether a job may be taken now. */
async function isOpen(health: Health): Promise<boolean> {
  return (await Promise.race([
    health.mayStart().then(() => true),
    new Promise((resolve) => setImmediate(resolve, false)),
  ])) as boolean;
}

it("creates its folders again, and blames the job if nothing is wrong on this machine", async () => {
  await using some = await someHealth();
  const { health, folder, reported } = some;
  await rm(folder, { recursive: true, force: true });
  expect(await health.judge(new Error("ENOENT"))).toEqual({ ok: true });
  expect(await isOpen(health)).toBe(true);
  expect(reported).toEqual([]);
});

it("takes no jobs while a folder is unusable, reports it, and continues when the folder is usable", async () => {
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

it("takes no jobs while the stores accept nothing", async () => {
  await using some = await someHealth();
  const { health, reported, stores } = some;
  stores.trouble = new Error("MongoDB does not answer");
  await Promise.all([
    health.untilWell(),
    new Promise((resolve) => setImmediate(resolve)).then(() => (stores.trouble = undefined)),
  ]);
  expect(reported.at(-1)).toBeUndefined();
});

it("pauses after several jobs in a row that could not be executed, and then tries one job", async () => {
  await using some = await someHealth();
  const { health, reported } = some;
  for (let times = 0; times < 5; times++) {
    expect(await isOpen(health)).toBe(true);
    await health.judge(new Error("no such program"));
  }
  expect(reported).toEqual(["5 jobs in a row failed: no such program"]);
  expect(await isOpen(health)).toBe(false);
  await health.mayStart();
  await health.judge(new Error("no such program")); // the one that was admitted
  expect(await isOpen(health)).toBe(false);
  await health.mayStart();
  health.isWell();
  expect(await isOpen(health)).toBe(true);
  expect(reported.at(-1)).toBeUndefined();
});

it("does not count failures that the job has caused", async () => {
  await using some = await someHealth();
  const { health, reported } = some;
  for (let times = 0; times < 20; times++)
    await health.judge(new Error("its program cannot be started"), false);
  expect(await isOpen(health)).toBe(true);
  expect(reported).toEqual([]);
});

it("lets the worker stop while it waits", async () => {
  await using some = await someHealth();
  const { health, folder, end } = some;
  await mkdir(path.dirname(folder), { recursive: true });
  await writeFile(folder, "");
  await health.judge(new Error("ENOTDIR"));
  expect(await isOpen(health)).toBe(false);
  const waiting = health.mayStart();
  end.abort();
  await expect(waiting).resolves.toBeUndefined();
});
