import { PROTOCOL } from "../../src/model/protocol.ts";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { Collector } from "../../src/campaign/collect.ts";
import { readRecord } from "../../src/campaign/records.ts";
import type { OutcomeState } from "../../src/model/outcome.ts";
import type { RunResult } from "../../src/model/result.ts";
import { openDirectoryStore } from "../../src/results/directory-store.ts";
import { temporaryName } from "../../src/system/files.ts";
import { someCampaign } from "../helpers/campaign.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const CAMPAIGN = someCampaign();

const run = (runNumber: number) => ({ config: "General", runNumber, iterationVariables: {}, repetition: 0 });

/** A study and a store; `finish` is what a runner does at the end of a run, `collect` what the client does. */
async function study() {
  const temporary = await temporaryDirectory();
  const top = path.join(temporary.path, "checkout");
  const directory = path.join(top, "study");
  await mkdir(directory, { recursive: true });
  const store = openDirectoryStore(path.join(temporary.path, "store"));
  const newCollector = (campaign = CAMPAIGN): Collector =>
    new Collector(
      { gitTop: top, directory, resultDirectory: path.join(directory, "results"), outside: [] },
      campaign,
      store,
    );
  const finish = async (
    runNumber: number,
    files: Record<string, string>,
    state: OutcomeState = "done",
  ): Promise<RunResult> => {
    const tree = path.join(temporary.path, "tree");
    for (const [file, content] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(tree, file)), { recursive: true });
      await writeFile(path.join(tree, file), content);
    }
    const stored = `c1-${runNumber}/1`;
    await store.put(stored, tree, Object.keys(files));
    const sizes = Object.entries(files).map(([file, content]) => ({ path: file, sizeBytes: content.length }));
    const outcome = { state, reason: "Simulation time limit reached" };
    return {
      protocol: PROTOCOL,
      outcome,
      usage: { wallTimeMs: 5 },
      stored,
      files: sizes,
      startedAt: 0,
      finishedAt: 5,
      worker: "w",
    };
  };
  const read = (file: string): Promise<string> => readFile(path.join(directory, file), "utf8");
  const list = async (folder: string): Promise<string[]> =>
    (await readdir(path.join(directory, folder))).sort();
  return { store, storeDirectory: path.join(temporary.path, "store"), newCollector, finish, read, list, results: path.join(directory, "results"),
    [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose]() }; // prettier-ignore
}

it("puts files where a local run leaves them and describes them in a record", async () => {
  await using s = await study();
  const result = await s.finish(0, { "study/results/a.sca": "scalars", "study/other/b.txt": "b" });
  const collector = s.newCollector();
  const { warnings } = await collector.collect(run(0), result);
  expect(warnings).toEqual([]);
  expect(await s.read("results/a.sca")).toBe("scalars");
  expect(await s.read("other/b.txt")).toBe("b");
  const record = await readRecord(s.results, run(0));
  expect(record).toMatchObject({
    campaign: "c1",
    state: "done",
    reason: "Simulation time limit reached",
    wallTimeMs: 5,
    commit: "a".repeat(40),
  });
  const sha256 = createHash("sha256").update("scalars").digest("hex");
  expect(record?.files[0]).toEqual({ path: "results/a.sca", sizeBytes: 7, sha256 });
  await collector.remove(run(0));
  expect(await readdir(s.storeDirectory)).toEqual([]);
});

it.each(["failed", "crashed", "limited", "timeout", "cancelled", "out-of-memory"] as const)(
  "keeps files of a %s run apart",
  async (state) => {
    await using s = await study();
    await s
      .newCollector()
      .collect(
        run(1),
        await s.finish(1, { "study/results/sub/a.vec": "half", "study/elsewhere.txt": "x" }, state),
      );
    expect(await s.list("results")).toEqual([".swarm", "failed"]);
    expect(await s.read("results/failed/sub/a.vec")).toBe("half");
    expect(await s.read("results/failed/elsewhere.txt")).toBe("x");
    expect(await readRecord(s.results, run(1))).toMatchObject({ state });
  },
);

it("removes what a run left when it failed, once it is done", async () => {
  await using s = await study();
  await s.newCollector().collect(run(1), await s.finish(1, { "study/results/a.vec": "half" }, "failed"));
  const later = s.newCollector({ ...CAMPAIGN, id: "c2" });
  await later.collect(run(1), await s.finish(1, { "study/results/a.vec": "whole" }));
  expect(await s.list("results/failed")).toEqual([]);
  expect(await s.read("results/a.vec")).toBe("whole");
});

it.each([[[0, 1, 2]], [[2, 1, 0]], [[1, 2, 0]]])(
  "loses no file of a name that several runs write, in the order %j",
  async (order) => {
    await using s = await study();
    const collector = s.newCollector();
    const warnings: string[] = [];
    for (const number of order) {
      const result = await s.finish(number, {
        "study/results/server.pcap": `of ${number}`,
        [`study/results/${number}.sca`]: "",
      });
      warnings.push(...(await collector.collect(run(number), result)).warnings);
    }
    expect(await s.read("results/server.pcap")).toBe("of 2"); // as after a local batch
    expect(await s.read("results/server.General-0.pcap")).toBe("of 0");
    expect(await s.read("results/server.General-1.pcap")).toBe("of 1");
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain("results/server.pcap is also written by General #");
    for (const [number, name] of [
      [0, "server.General-0.pcap"],
      [1, "server.General-1.pcap"],
      [2, "server.pcap"],
    ] as const) {
      expect((await readRecord(s.results, run(number)))?.files.map((file) => file.path)).toContain(
        `results/${name}`,
      );
    }
  },
);

it("finishes what an earlier call began", async () => {
  await using s = await study();
  const result = await s.finish(0, { "study/results/a.sca": "aaa", "study/results/a.vec": "bb" });
  const stored = await s.store.open(result.stored!, result.files, "");
  await mkdir(s.results, { recursive: true });
  await writeFile(path.join(s.results, "a.sca"), "aaa"); // had been moved when the client was killed
  await rm(path.join(stored, "study/results/a.sca"));
  await s.newCollector().collect(run(0), result);
  expect((await readRecord(s.results, run(0)))?.files).toHaveLength(2);
});

it("passes over the half of a record that a killed client has left", async () => {
  await using s = await study();
  await s.newCollector().collect(run(0), await s.finish(0, { "study/results/a.sca": "x" }));
  const record = await s.read("results/.swarm/General-0.json");
  await writeFile(temporaryName(path.join(s.results, ".swarm", "General-0.json")), record); // before its rename
  await writeFile(temporaryName(path.join(s.results, ".swarm", "General-1.json")), record.slice(0, 100));
  await writeFile(path.join(s.results, ".swarm", "General-2.json"), "damaged by somebody");
  const found: number[] = [];
  await s.newCollector().resume(({ runNumber }) => found.push(runNumber));
  expect(found).toEqual([0]);
});

it("removes what an attempt has stored whose worker was killed before it could answer", async () => {
  await using s = await study();
  await s.finish(0, { "study/results/a.sca": "x" });
  await rename(path.join(s.storeDirectory, "c1-0/1"), path.join(s.storeDirectory, "c1-0/0"));
  const collector = s.newCollector();
  await collector.collect(run(0), await s.finish(0, { "study/results/a.sca": "x" }));
  await collector.remove(run(0));
  expect(await readdir(s.storeDirectory)).toEqual([]);
});

it("tells of a file that has not arrived whole, and keeps what there is", async () => {
  await using s = await study();
  const result = await s.finish(0, { "study/results/a.sca": "aaa" });
  const files = [{ path: "study/results/a.sca", sizeBytes: 4 }];
  await expect(s.newCollector().collect(run(0), { ...result, files })).rejects.toThrow(
    "a.sca of General #0 has not arrived whole: 3 of 4 bytes",
  );
  expect(await readRecord(s.results, run(0))).toBeUndefined();
});

it("records a run as lost whose files were taken away while they were collected, so that it can be made again", async () => {
  await using s = await study();
  const content = { "study/results/a.sca": "aaa", "study/results/b.sca": "bbb" };
  const result = await s.finish(0, content);
  await rm(path.join(s.storeDirectory, "c1-0/1/study/results/b.sca")); // was moved to a folder that is gone
  const collector = s.newCollector();
  const { record } = await collector.collect(run(0), result);
  expect(record).toMatchObject({ state: "lost", files: [] });
  expect(record.reason).toContain("b.sca");
  expect(await readdir(s.results)).toEqual([".swarm"]); // half of a result is none
  await collector.remove(run(0));
  expect(await readdir(s.storeDirectory)).toEqual([]);
});

it("refuses a path that leaves the checkout", async () => {
  await using s = await study();
  const result = await s.finish(0, { "study/results/a.sca": "aaa" });
  const files = [{ path: "../outside", sizeBytes: 3 }];
  await expect(s.newCollector().collect(run(0), { ...result, files })).rejects.toThrow(
    "outside of the checkout",
  );
});

it("replaces a damaged record and says so", async () => {
  await using s = await study();
  await mkdir(path.join(s.results, ".swarm"), { recursive: true });
  await writeFile(path.join(s.results, ".swarm/General-0.json"), "{");
  const { warnings } = await s
    .newCollector()
    .collect(run(0), await s.finish(0, { "study/results/a.sca": "" }));
  expect(warnings[0]).toContain("is not valid JSON");
  expect(await readRecord(s.results, run(0))).toMatchObject({ state: "done" });
});
