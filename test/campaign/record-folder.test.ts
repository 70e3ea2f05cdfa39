import { appendFile, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { addToHistory } from "../../src/campaign/collect/history.ts";
import { RecordFolder } from "../../src/campaign/collect/record-folder.ts";
import { recordFile, writeRecord } from "../../src/campaign/collect/records.ts";
import type { RunRecord } from "../../src/model/result.ts";
import { madeRecord } from "../dashboard/made.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const [FIRST, SECOND] = ["abcdefgh", "bcdefghj"] as const;

/** A result directory, its folder of records, and what a listener of each campaign has received. */
async function folderOf(...records: RunRecord[]) {
  const directory = await temporaryDirectory("records-");
  for (const record of records) await writeRecord(directory.path, record);
  const folder = new RecordFolder(directory.path, () => 0);
  const listen = (id: string) => {
    const seen: string[] = [];
    const subscription = folder.subscribe(
      { id, config: "Load" },
      {
        recorded: ({ runNumber, state }) => seen.push(`${runNumber} ${state}`),
        superseded: ({ runNumber, supersededBy }) => seen.push(`${runNumber} by ${supersededBy}`),
        removed: (runNumber, by) => seen.push(`${runNumber} removed${by === undefined ? "" : ` by ${by}`}`),
      },
    );
    return { subscription, take: () => seen.splice(0).sort() };
  };
  const file = (runNumber: number): string => recordFile(directory.path, { config: "Load", runNumber });
  return {
    folder,
    listen,
    file,
    directory: directory.path,
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

it("reads each record once for all campaigns, and again when it has changed", async () => {
  await using s = await folderOf(madeRecord(FIRST, 0), madeRecord(FIRST, 1), madeRecord(SECOND, 2));
  const [first, second] = [s.listen(FIRST), s.listen(SECOND)];
  expect(first.subscription.isComplete).toBe(false);
  await s.folder.read();
  expect([first.take(), second.take()]).toEqual([["0 done", "1 done"], ["2 done"]]);
  expect([first.subscription.isComplete, s.folder.progress]).toEqual([true, { done: 3, of: 3 }]);
  await s.folder.read();
  expect([first.take(), second.take()]).toEqual([[], []]);
  await writeRecord(s.directory, madeRecord(SECOND, 2, { state: "failed" }));
  await writeRecord(s.directory, madeRecord(FIRST, 3));
  await s.folder.read();
  expect([first.take(), second.take()]).toEqual([["3 done"], ["2 failed"]]);
});

it("delivers the records of a campaign again to a new listener, and only these", async () => {
  await using s = await folderOf(madeRecord(FIRST, 0), madeRecord(SECOND, 1));
  const [before, second] = [s.listen(FIRST), s.listen(SECOND)];
  await s.folder.read();
  before.subscription[Symbol.dispose]();
  second.take();
  const again = s.listen(FIRST);
  await s.folder.read();
  expect([before.take(), again.take(), second.take()]).toEqual([["0 done"], ["0 done"], []]);
});

it("notices that a record was removed, or belongs to another campaign now", async () => {
  await using s = await folderOf(...[0, 1, 2].map((run) => madeRecord(FIRST, run)));
  const [first, second] = [s.listen(FIRST), s.listen(SECOND)];
  await s.folder.read();
  first.take();
  addToHistory(s.directory, madeRecord(FIRST, 0), SECOND);
  await writeRecord(s.directory, madeRecord(SECOND, 0));
  await writeRecord(s.directory, madeRecord(SECOND, 1)); // by a program that writes no history
  await rm(s.file(2));
  await s.folder.read();
  expect([...new Set(first.take())]).toEqual([`0 by ${SECOND}`, `1 removed by ${SECOND}`, "2 removed"]);
  expect(second.take()).toEqual(["0 done", "1 done"]);
  const own = { id: FIRST, config: "Load" };
  expect([0, 1].map((run) => s.folder.record(own, run)?.supersededBy)).toEqual([SECOND, undefined]);
});

it("does not count a run as replaced that the campaign has executed again since", async () => {
  await using s = await folderOf(madeRecord(FIRST, 0));
  addToHistory(s.directory, madeRecord(FIRST, 0), SECOND);
  addToHistory(s.directory, madeRecord(FIRST, 1), SECOND);
  const first = s.listen(FIRST);
  await s.folder.read();
  expect(first.take()).toEqual(["0 done", `1 by ${SECOND}`]);
  await appendFile(path.join(s.directory, ".swarm", "history", `${FIRST}.jsonl`), '{"half a line');
  addToHistory(s.directory, madeRecord(FIRST, 2), SECOND); // completes the damaged line
  addToHistory(s.directory, madeRecord(FIRST, 3), SECOND);
  await s.folder.read();
  expect(first.take()).toEqual([`3 by ${SECOND}`]);
});

it("reports a damaged record with its campaign, delivers the others, and tries again", async () => {
  await using s = await folderOf(...[0, 1].map((run) => madeRecord(FIRST, run)), madeRecord(SECOND, 2));
  await writeFile(s.file(1), '{"format": 1,');
  const [first, second] = [s.listen(FIRST), s.listen(SECOND)];
  await s.folder.read();
  expect([first.take(), second.take()]).toEqual([["0 done"], ["2 done"]]);
  const isKnown = (run: number): boolean => run !== 1;
  expect(first.subscription.trouble(isKnown)).toContain("Load-1.json is damaged");
  expect(second.subscription.trouble(() => true)).toBeUndefined();
  expect(() => s.folder.record({ id: FIRST, config: "Load" }, 1)).toThrow("is damaged");
  await writeRecord(s.directory, madeRecord(FIRST, 1));
  await s.folder.read();
  expect([first.take(), first.subscription.trouble(isKnown)]).toEqual([["1 done"], undefined]);
  await writeFile(s.file(0), await readFile(s.file(1))); // the record of another run
  await s.folder.read();
  expect(first.subscription.trouble(() => true)).toContain("Load-0.json is damaged");
});

it("reports a folder that cannot be read, and reads it as soon as it can", async () => {
  await using s = await folderOf();
  const folder = path.join(s.directory, ".swarm");
  await symlink(folder, folder);
  const first = s.listen(FIRST);
  await s.folder.read();
  expect(first.subscription.trouble(() => true)).toContain("ELOOP");
  expect(first.subscription.isComplete).toBe(false);
  await rm(folder);
  await mkdir(folder);
  await writeRecord(s.directory, madeRecord(FIRST, 0));
  await s.folder.read();
  expect([first.take(), first.subscription.trouble(() => true)]).toEqual([["0 done"], undefined]);
});
