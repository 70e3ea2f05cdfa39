import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { RunIndexer } from "../../src/campaign/collect/index-run.ts";
import { CampaignView } from "../../src/dashboard/campaign-view.ts";
import { CampaignResults } from "../../src/dashboard/results.ts";
import { factsOfRecord } from "../../src/dashboard/row.ts";
import type { DashboardSources } from "../../src/dashboard/sources.ts";
import { namePattern } from "../../src/model/name-pattern.ts";
import { PROTOCOL } from "../../src/model/protocol.ts";
import type { RecordedRun } from "../../src/model/recorded-runs.ts";
import type { RunRecord } from "../../src/model/result.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";
import { collected, endedQueue, madeCampaign, madeRecord } from "./made.ts";

const sca = (run: number, delay: number | string): string =>
  `run Load-${run}\nattr configname Load\nattr runnumber ${run}\n\nscalar Net.host[0] delay ${delay}\nattr unit s\nscalar Net.host[1] delay 2\nattr unit s\n`;

const END = Date.parse("2026-01-01T00:00:01.000Z");

/** A campaign in a study whose runs are recorded one by one. */
async function campaign() {
  const directory = await temporaryDirectory("results-");
  const resultDirectory = path.join(directory.path, "results");
  await mkdir(path.join(resultDirectory, ".swarm"), { recursive: true });
  const view = new CampaignView(madeCampaign("c1", 9, directory.path));
  const records = new Map<number, RunRecord>();
  const read: string[] = [];
  const sources: DashboardSources = {
    ...collected(() => [...records.values()]),
    resultDirectory: () => Promise.resolve(resultDirectory),
    resultFile: async (_, file) => {
      read.push(file);
      const isThere = (await readdir(resultDirectory)).includes(path.basename(file));
      return isThere ? path.join(directory.path, file) : undefined;
    },
    readStored: ({ stored }, look) => look(path.join(directory.path, "store", stored)),
  };
  const errors: Error[] = [];
  const queue = endedQueue([]);
  const results = new CampaignResults(view, queue, sources, (error) => errors.push(error));
  const indexer = new RunIndexer({ directory: directory.path, resultDirectory }, "c1");
  const setRow = (runNumber: number, facts: object): void =>
    void view.rows.set(runNumber, { runNumber, values: [], repetition: 0, state: "done", ...facts });
  return {
    directory: directory.path,
    resultDirectory,
    view,
    queue,
    sources,
    results,
    errors,
    read,
    setRow,
    /** Collects a run with a scalar file, and adds it to the index. */
    async record(
      run: number,
      delay: number | string,
      more: Partial<RunRecord & RecordedRun> = {},
      isIndexed = true,
    ) {
      const file = `results/${run}.sca`;
      await writeFile(path.join(directory.path, file), sca(run, delay));
      const files = [{ path: file, sizeBytes: 1, sha256: "" }];
      const record = madeRecord("c1", run, { files, ...more });
      if (isIndexed) expect(await indexer.add(record)).toEqual([]);
      records.set(run, record);
      setRow(run, factsOfRecord(record));
    },
    values: async (pattern: string, ...over: ["mean" | "sum" | "count"] | []) =>
      (await results.values(namePattern(pattern), ...over)).series,
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

const HOST = { module: "Net.host[0]", name: "delay", unit: "s" };

it("has the values of collected runs from the index", async () => {
  await using at = await campaign();
  for (const run of [2, 0, 1]) await at.record(run, run + 0.5);
  await at.results.complete();
  expect(at.results.list()).toEqual({
    runs: 3,
    unread: 0,
    problems: [],
    items: [
      { ...HOST, kind: "scalar", runs: 3 },
      { ...HOST, module: "Net.host[1]", kind: "scalar", runs: 3 },
    ],
    omitted: 0,
  });
  const all = [
    [0, 0.5],
    [1, 1.5],
    [2, 2.5],
  ];
  expect(await at.values("Net.host[0].delay")).toEqual([{ ...HOST, values: all }]);
  expect(await at.values("*.host[*].delay")).toHaveLength(2);
  expect(await at.values("**.host[*].*", "sum")).toEqual([
    {
      module: "*",
      name: "delay",
      unit: "s",
      values: [
        [0, 2.5],
        [1, 3.5],
        [2, 4.5],
      ],
    },
  ]);
  expect((await at.values("**", "count"))[0]).toMatchObject({
    unit: null,
    values: [
      [0, 2],
      [1, 2],
      [2, 2],
    ],
  });
  expect(await at.values("nothing")).toEqual([]);
  expect(at.read).toEqual([]);
});

it("leaves out runs that are not done, and those that a later campaign has executed again", async () => {
  await using at = await campaign();
  await at.record(0, 1);
  await at.record(1, 2, { state: "failed" }, false);
  await at.record(2, 3, { supersededBy: "c2" });
  at.setRow(3, { state: "running" });
  await at.results.complete();
  expect(at.results.list().runs).toBe(1);
  expect(await at.values(String.raw`Net.host\[0].delay`)).toEqual([{ ...HOST, values: [[0, 1]] }]);
});

it("reads the files of runs that are not in the index, once", async () => {
  await using at = await campaign();
  await at.record(0, 1);
  await at.record(1, "nan", {}, false);
  await at.results.refresh();
  expect(at.results.list()).toMatchObject({ runs: 1, unread: 1 });
  await at.results.complete();
  expect(at.results.list()).toMatchObject({ runs: 2, unread: 0 });
  expect(await at.values("Net.host[0].delay")).toEqual([
    {
      ...HOST,
      values: [
        [0, 1],
        [1, NaN],
      ],
    },
  ]);
  await at.results.complete();
  expect(at.read).toEqual(["results/1.sca"]);
});

it("never shows the values of an earlier execution", async () => {
  await using at = await campaign();
  await at.record(0, 1);
  await at.record(1, 1, {}, false);
  await at.results.complete();
  const again = { finishedAt: "2026-01-02T00:00:00.000Z" };
  for (const run of [0, 1]) await at.record(run, 7, again, false);
  await at.results.complete();
  const [series] = await at.values("Net.host[0].delay");
  expect(series?.values).toEqual([
    [0, 7],
    [1, 7],
  ]);
});

it("reads runs that are not collected yet from the store, and again where they are collected", async () => {
  await using at = await campaign();
  const answer = {
    protocol: PROTOCOL,
    outcome: { state: "done", reason: "" },
    usage: { wallTimeMs: 1 },
    stored: "c1-4/1",
    files: [{ path: "s/results/4.sca", sizeBytes: 1 }],
    startedAt: 0,
    finishedAt: END,
    worker: "w",
  };
  at.queue.jobs = (_, runs) =>
    Promise.resolve(
      runs.map(() => ({
        run: undefined,
        startedAt: 0,
        finishedAt: END,
        progress: undefined,
        result: answer,
      })),
    );
  const folder = path.join(at.directory, "store/c1-4/1/s/results");
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "4.sca"), sca(4, 4));
  at.setRow(4, { finishedAt: END });
  await at.results.complete();
  expect(await at.values("Net.host[0].delay")).toEqual([{ ...HOST, values: [[4, 4]] }]);
  await rm(folder, { recursive: true });
  await at.record(4, 4);
  await at.results.complete();
  expect(await at.values("Net.host[0].delay")).toEqual([{ ...HOST, values: [[4, 4]] }]);
  expect(at.errors).toEqual([]);
});

it("reports runs whose files are missing or damaged, and shows the others", async () => {
  await using at = await campaign();
  await at.record(0, 1);
  await at.record(1, 2, {}, false);
  await at.record(2, 3, {}, false);
  await rm(path.join(at.resultDirectory, "1.sca"));
  await writeFile(path.join(at.resultDirectory, "2.sca"), "SQLite format 3\0damaged");
  await at.results.complete();
  const { runs, unread, problems } = at.results.list();
  expect([runs, unread]).toEqual([1, 0]);
  expect(problems.map(({ runs: count, reason }) => [count, reason.split(":")[0]])).toEqual([
    [1, "the result file results/1.sca no longer exists"],
    [1, `cannot read the SQLite file ${path.join(at.resultDirectory, "2.sca")}`],
  ]);
  expect(at.errors).toEqual([]);
});
