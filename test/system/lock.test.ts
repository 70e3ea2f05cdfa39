import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { thisHost, type Host } from "../../src/system/host.ts";
import { acquireLock, linkExclusively, LockedError } from "../../src/system/lock.ts";
import { identify } from "../../src/system/identity.ts";
import { smallDisk } from "../helpers/small-disk.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

it("excludes a second owner until the first one has released it", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "lock");
  const order: string[] = [];
  const work = async (name: string): Promise<void> => {
    await using _ = await acquireLock(file, { timeoutMs: 10_000 });
    order.push(`${name} in`);
    await new Promise(setImmediate);
    order.push(`${name} out`);
  };
  await Promise.all([work("a"), work("b"), work("c")]);
  expect(order.map((entry) => entry.split(" ")[1])).toEqual(["in", "out", "in", "out", "in", "out"]);
});

it("takes over the lock of a process that has died", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "lock");
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  await writeFile(file, JSON.stringify(identify(child.pid!)));
  child.kill("SIGKILL");
  await once(child, "exit");
  await using _ = await acquireLock(file, { timeoutMs: 5_000 });
  expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ pid: process.pid });
});

it("does not mistake a process with a recycled pid for the owner", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "lock");
  await writeFile(file, JSON.stringify({ pid: process.pid, startTime: "1" }));
  await using _ = await acquireLock(file, { timeoutMs: 5_000 });
  expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject(identify(process.pid)!);
});

it("skips the lock on a full disk if nobody holds it, and only then", async (context) => {
  await using directory = await temporaryDirectory();
  const place = path.join(directory.path, "disk");
  using _ = await smallDisk(place, 64, context);
  const file = path.join(place, "lock");
  const options = { timeoutMs: 0, ignoreFullDisk: true };
  const held = await acquireLock(file, options);
  await writeFile(path.join(place, "filler"), "x".repeat(1e6)).catch(() => undefined);
  await expect(acquireLock(file, options)).rejects.toThrow(LockedError);
  await held[Symbol.asyncDispose]();
  await writeFile(path.join(place, "filler"), "x".repeat(1e6)).catch(() => undefined);
  await expect(acquireLock(file, { timeoutMs: 0 })).rejects.toThrow(/ENOSPC/);
  await using lock = await acquireLock(file, options);
  expect(lock).toBeDefined();
});

it("names the owner when it has waited long enough", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "lock");
  await using _ = await acquireLock(file, { timeoutMs: 0 });
  await expect(acquireLock(file, { timeoutMs: 0 })).rejects.toThrow(
    `${file} is locked by process ${process.pid}`,
  );
});

const other: Host = { name: "login2", boot: "other-boot", pids: "4026531836" };

it("never takes over the lock of another machine, and names the machine", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "lock");
  const there = await acquireLock(file, { timeoutMs: 0, here: other });
  const before = await readFile(file, "utf8");
  const refused = await acquireLock(file, { timeoutMs: 200 }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(LockedError);
  expect(refused).toMatchObject({
    message: `${file} is locked by process ${process.pid} on login2`,
    hint: expect.stringMatching(
      /run the command on login2; if that machine no longer exists, remove the lock: rm '/,
    ) as string,
    machine: "login2",
  });
  expect(await readFile(file, "utf8")).toBe(before);
  await there[Symbol.asyncDispose]();
  await using _ = await acquireLock(file, { timeoutMs: 0 });
  expect(await readdir(directory.path)).toEqual(["lock"]);
});

it("never takes over the lock of another container on this machine", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "lock");
  const container = { ...thisHost(), pids: "1" };
  await using _ = await acquireLock(file, { timeoutMs: 0, here: container });
  await expect(acquireLock(file, { timeoutMs: 0 })).rejects.toThrow(/ on another container of /);
});

it("takes over a lock from before the last boot of this host, also if the process id is in use again", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "lock");
  await acquireLock(file, { timeoutMs: 0, here: { ...thisHost(), boot: "earlier" } });
  await using _ = await acquireLock(file, { timeoutMs: 0 });
  expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ host: thisHost() });
});

it("holds a lock for which a network file system lost the answer and repeated the call", async () => {
  await using directory = await temporaryDirectory();
  const [mine, others, lock] = ["mine", "others", "lock"].map((name) => path.join(directory.path, name));
  for (const file of [mine!, others!]) await writeFile(file, "");
  expect(await linkExclusively(mine!, lock!)).toBe(true);
  expect(await linkExclusively(mine!, lock!)).toBe(true); // what the repeated call finds
  expect(await linkExclusively(others!, lock!)).toBe(false);
});

it("respects the lock of a living process of an earlier version", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "lock");
  const { pid, startTime } = identify(process.pid)!;
  await writeFile(file, JSON.stringify({ pid, startTime }));
  await expect(acquireLock(file, { timeoutMs: 0 })).rejects.toThrow(LockedError);
});

it("admits only one of many that find a stale lock", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "lock");
  let inside = 0;
  let most = 0;
  const work = async (turn: number): Promise<void> => {
    await using _ = await acquireLock(file, { timeoutMs: 30_000 });
    most = Math.max(most, ++inside);
    await readdir(directory.path);
    inside--;
    if (turn % 5 === 0) {
      // as if the next owner had died: in one step, since another may take the lock between two
      const stale = path.join(directory.path, `stale-${turn}`);
      await writeFile(stale, JSON.stringify({ pid: process.pid, startTime: "1", id: `dead-${turn}` }));
      await rename(stale, file);
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, turn) => work(turn)));
  expect(most).toBe(1);
});

it("takes over a removal that its process did not complete before it died", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "lock");
  for (const name of [file, `${file}.stale`])
    await writeFile(name, JSON.stringify({ pid: 1, startTime: "0" }));
  await using _ = await acquireLock(file, { timeoutMs: 5_000 });
  expect(await readdir(directory.path)).toEqual(["lock"]);
});

it("does not remove a lock that was removed by hand and has another owner now", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "lock");
  const first = await acquireLock(file, { timeoutMs: 0 });
  await rm(file);
  await using _ = await acquireLock(file, { timeoutMs: 0 });
  await first[Symbol.asyncDispose]();
  expect(await readdir(directory.path)).toEqual(["lock"]);
});

it("does not guess the owner of a damaged lock, unless the machine was restarted since", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "lock");
  await writeFile(file, "");
  const refused = await acquireLock(file, { timeoutMs: 0 }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ hint: expect.stringContaining("the lock file is damaged") as string });
  await utimes(file, new Date(0), new Date(0));
  await using _ = await acquireLock(file, { timeoutMs: 0 });
  expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ pid: process.pid });
});
