import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { acquireLock } from "../../src/system/lock.ts";
import { identify } from "../../src/system/identity.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

it("keeps a second one out until the first one has let go", async () => {
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

it("takes the lock of a process that has died", async () => {
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

it("does not mistake a recycled pid for the owner", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "lock");
  await writeFile(file, JSON.stringify({ pid: process.pid, startTime: "1" }));
  await using _ = await acquireLock(file, { timeoutMs: 5_000 });
  expect(JSON.parse(await readFile(file, "utf8"))).toEqual(identify(process.pid));
});

it("names the owner when it has waited long enough", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "lock");
  await using _ = await acquireLock(file, { timeoutMs: 0 });
  await expect(acquireLock(file, { timeoutMs: 0 })).rejects.toThrow(
    `${file} is locked by process ${process.pid}`,
  );
});
