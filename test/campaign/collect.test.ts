import { PROTOCOL } from "../../src/model/protocol.ts";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { Collector } from "../../src/campaign/collect/collect.ts";
import type { FoldsCase } from "../../src/campaign/collect/name-case.ts";
import { readRecord } from "../../src/campaign/collect/records.ts";
import type { OutcomeState } from "../../src/model/outcome.ts";
import type { RunResult } from "../../src/model/result.ts";
import { openDirectoryStore } from "../../src/stores/directory-store.ts";
import { temporaryName } from "../../src/system/files.ts";
import { someCampaign } from "../helpers/campaign.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const CAMPAIGN = someCampaign();

/** A file of the campaign's checkout by the name that workers use. */
const inMirror = (file: string): string => path.join("checkout", file);

const run = (runNumber: number) => ({ config: "General", runNumber, iterationVariables: {}, repetition: 0 });

/** A study and a store; `finish` is what a runner does at the end of a run, `collect` what the client does. */
async function study() {
  const temporary = await temporaryDirectory();
  const top = path.join(temporary.path, "checkout");
  const directory = path.join(top, "study");
  await mkdir(directory, { recursive: true });
  const outside = [`${path.join(temporary.path, "scratch")}/`];
  const store = openDirectoryStore(path.join(temporary.path, "store"));
  const newCollector = (campaign = CAMPAIGN, folds?: FoldsCase): Collector =>
    new Collector(
      { gitTop: top, directory, resultDirectory: path.join(directory, "results"), outside },
      campaign,
      store,
      folds,
    );
  const finish = async (
    runNumber: number,
    contents: Record<string, string>,
    state: OutcomeState = "done",
    campaign = CAMPAIGN.id,
  ): Promise<RunResult> => {
    const tree = path.join(temporary.path, "tree");
    const files = Object.fromEntries(
      Object.entries(contents).map(([file, content]) => [
        file.startsWith("/") ? file.slice(1) : inMirror(file),
        content,
      ]),
    );
    for (const [file, content] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(tree, file)), { recursive: true });
      await writeFile(path.join(tree, file), content);
    }
    const stored = `${campaign}-${runNumber}/1`;
    const kept = await store.put(stored, tree, Object.keys(files));
    const outcome = { state, reason: "Simulation time limit reached" };
    return {
      protocol: PROTOCOL,
      outcome,
      usage: { wallTimeMs: 5 },
      stored,
      files: kept,
      startedAt: 0,
      finishedAt: 5,
      worker: "w",
    };
  };
  const read = (file: string): Promise<string> => readFile(path.join(directory, file), "utf8");
  const list = async (folder: string): Promise<string[]> =>
    (await readdir(path.join(directory, folder))).sort();
  const write = async (file: string, content: string): Promise<void> => {
    await mkdir(path.dirname(path.join(directory, file)), { recursive: true });
    await writeFile(path.join(directory, file), content);
  };
  const inScratch = (file: string): string => path.join(temporary.path, "scratch", file);
  return { store, write, inScratch, home: temporary.path, storeDirectory: path.join(temporary.path, "store"), newCollector, finish, read, list, results: path.join(directory, "results"),
    [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose]() }; // prettier-ignore
}

it("puts files where a local run leaves them, and describes them in a record", async () => {
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

it("records a run as lost, so that it is executed again, if a byte of its results changed in the store", async () => {
  await using s = await study();
  const result = await s.finish(0, { "study/results/a.sca": "scalars", "study/results/b.vec": "vectors" });
  await writeFile(path.join(s.storeDirectory, result.stored!, result.files[1]!.path), "VECTORS");
  const { record } = await s.newCollector().collect(run(0), result);
  expect(record).toMatchObject({ state: "lost", files: [] });
  expect(record.reason).toBe("its result file b.vec is damaged: its content has changed");
  expect(await s.list("results")).toEqual([".swarm"]);
});

it("does not complete a run whose file names differ only in case, if the file system ignores case", async () => {
  await using s = await study();
  const result = await s.finish(0, { "study/results/A.sca": "upper", "study/results/a.sca": "lower" });
  const { record } = await s.newCollector(CAMPAIGN, () => true).collect(run(0), result);
  expect(record.state).toBe("failed");
  expect(record.error).toContain("results/a.sca (on this file system the same name as A.sca)");
  expect(await s.list("results/failed")).toEqual(["A.sca", "a.sca"]); // if this file system ignores case
  const whole = await s.newCollector().collect(run(0), await s.finish(0, { "study/results/A.sca": "upper" }));
  expect(whole.record.state).toBe("done");
});

it("does not query the file system about names outside of the permitted places", async () => {
  await using s = await study();
  const result = await s.finish(0, {
    "study/.git/A": "upper",
    "study/.git/a": "lower",
    "study/results/b": "",
  });
  const asked: string[] = [];
  const folds = (folder: string): boolean => {
    asked.push(folder);
    return true;
  };
  const { record } = await s.newCollector(CAMPAIGN, folds).collect(run(0), result);
  expect(record.state).toBe("failed");
  expect(asked).toEqual([]);
});

it("does not mistake another file of the same size for one collected before", async () => {
  await using s = await study();
  const result = await s.finish(0, { "study/results/a.sca": "scalars" });
  await rm(path.join(s.storeDirectory, result.stored!, result.files[0]!.path));
  await s.write("results/a.sca", "SCALARS");
  const { record } = await s.newCollector(someCampaign({ createdAt: 0 })).collect(run(0), result);
  expect(record.state).toBe("lost");
  expect(await s.read("results/a.sca")).toBe("SCALARS");
});

it.each(["failed", "crashed", "limited", "timeout", "cancelled", "out-of-memory"] as const)(
  "keeps files of a %s run separate",
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
    expect(await s.read("results/failed/beside/study/elsewhere.txt")).toBe("x");
    expect(await readRecord(s.results, run(1))).toMatchObject({ state });
  },
);

it.each([
  ["another campaign", "c2"],
  ["the same campaign", CAMPAIGN.id],
])("removes what a failed attempt of a run left, once %s has completed the run", async (_, id) => {
  await using s = await study();
  await s.newCollector().collect(run(1), await s.finish(1, { "study/results/a.vec": "half" }, "failed"));
  const later = s.newCollector({ ...CAMPAIGN, id });
  const answer = await s.finish(1, { "study/results/a.vec": "whole" }, "done", id);
  await later.collect(run(1), { ...answer, finishedAt: answer.finishedAt + 1000 });
  expect(await s.list("results/failed")).toEqual([]);
  expect(await s.read("results/a.vec")).toBe("whole");
});

it.each([[[0, 1, 2]], [[2, 1, 0]], [[1, 2, 0]]])(
  "loses no file whose name several runs write, in the order %j",
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

it("completes what an earlier call began", async () => {
  await using s = await study();
  const result = await s.finish(0, { "study/results/a.sca": "aaa", "study/results/a.vec": "bb" });
  const stored = await s.store.open(result.stored!, result.files, "");
  await mkdir(s.results, { recursive: true });
  await writeFile(path.join(s.results, "a.sca"), "aaa"); // had been moved when the client was killed
  await rm(path.join(stored, inMirror("study/results/a.sca")));
  await s.newCollector().collect(run(0), result);
  expect((await readRecord(s.results, run(0)))?.files).toHaveLength(2);
});

it("ignores the truncated record that a killed client has left", async () => {
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

it("removes what an attempt stored whose worker was killed before it could answer", async () => {
  await using s = await study();
  await s.finish(0, { "study/results/a.sca": "x" });
  await rename(path.join(s.storeDirectory, "c1-0/1"), path.join(s.storeDirectory, "c1-0/0"));
  const collector = s.newCollector();
  await collector.collect(run(0), await s.finish(0, { "study/results/a.sca": "x" }));
  await collector.remove(run(0));
  expect(await readdir(s.storeDirectory)).toEqual([]);
});

it("records a run as lost if one of its files is damaged", async () => {
  await using s = await study();
  const result = await s.finish(0, { "study/results/a.sca": "aaa" });
  const files = [{ path: inMirror("study/results/a.sca"), sizeBytes: 4 }];
  const { record } = await s.newCollector().collect(run(0), { ...result, files });
  expect(record).toMatchObject({
    state: "lost",
    reason: "its result file a.sca is damaged: 3 of 4 bytes",
    files: [],
  });
  expect(await readdir(s.results)).toEqual([".swarm"]);
});

it("records a run as lost whose files were removed during collection, so that it can be executed again", async () => {
  await using s = await study();
  const content = { "study/results/a.sca": "aaa", "study/results/b.sca": "bbb" };
  const result = await s.finish(0, content);
  await rm(path.join(s.storeDirectory, "c1-0/1/checkout/study/results/b.sca")); // was moved to a folder that no longer exists
  const collector = s.newCollector();
  const { record } = await collector.collect(run(0), result);
  expect(record).toMatchObject({ state: "lost", files: [] });
  expect(record.reason).toContain("b.sca");
  expect(await readdir(s.results)).toEqual([".swarm"]); // half of a result is no result
  await collector.remove(run(0));
  expect(await readdir(s.storeDirectory)).toEqual([]);
});

it("replaces a damaged record and reports it", async () => {
  await using s = await study();
  await mkdir(path.join(s.results, ".swarm"), { recursive: true });
  await writeFile(path.join(s.results, ".swarm/General-0.json"), "{");
  const { warnings } = await s
    .newCollector()
    .collect(run(0), await s.finish(0, { "study/results/a.sca": "" }));
  expect(warnings[0]).toContain("is not valid JSON");
  expect(await readRecord(s.results, run(0))).toMatchObject({ state: "done" });
});

it.each([
  "../outside",
  "etc/passwd",
  "checkout/.git/config",
  "checkout/a/.GIT/hooks/x",
  "checkout/.swarm/x",
  "checkout/git~1/x",
  "checkout/s\u001b[2J",
])("does not write %j, and does not complete the run", async (file) => {
  await using s = await study();
  const result = await s.finish(0, { "study/results/a.sca": "aaa" });
  const files = [...result.files, { path: file, sizeBytes: 3 }];
  const { record } = await s.newCollector().collect(run(0), { ...result, files });
  expect(record).toMatchObject({ state: "failed", files: [{ path: "results/failed/a.sca" }] });
  expect(record.error).toContain("not all of its results can be collected");
  expect(await s.list("..")).toEqual(["study"]);
  expect(await s.list(".")).toEqual(["results"]);
});

it("puts files into the configured places outside of the checkout, and into no others", async () => {
  await using s = await study();
  const scratch = s.inScratch("run/a.sca");
  const { record } = await s.newCollector().collect(run(0), await s.finish(0, { [scratch]: "aaa" }));
  expect(record).toMatchObject({ state: "done", files: [{ path: "../../scratch/run/a.sca", sizeBytes: 3 }] });
  expect(await s.read("../../scratch/run/a.sca")).toBe("aaa");
});

it("never writes through a link that leads out of the checkout, whoever created the link", async () => {
  await using s = await study();
  await mkdir(path.join(s.results, "real"), { recursive: true });
  await symlink("real", path.join(s.results, "inside"));
  await symlink(s.home, path.join(s.results, "out"));
  await symlink("out", path.join(s.results, "chain"));
  const collector = s.newCollector();
  const inside = await collector.collect(run(0), await s.finish(0, { "study/results/inside/a.txt": "a" }));
  expect(inside.record.state).toBe("done");
  for (const [number, folder] of [
    [1, "out"],
    [2, "chain"],
  ] as const) {
    const answer = await s.finish(number, {
      [`study/results/${folder}/evil.txt`]: "x",
      "study/results/ok.sca": "",
    });
    const { record } = await collector.collect(run(number), answer);
    expect(record.error).toContain(
      `results/${folder}/evil.txt (behind a symbolic link that leads out of the checkout)`,
    );
  }
  expect(await readdir(s.home)).not.toContain("evil.txt");
});

it.each(["/etc/hostname", "../../../../etc/hostname", "..//../..", ""])(
  "refuses a link to %j",
  async (target) => {
    await using s = await study();
    const answer = await s.finish(0, { "study/results/a.sca": "aaa", "study/results/link": "" });
    const stored = await s.store.open(answer.stored!, answer.files, "");
    await rm(path.join(stored, inMirror("study/results/link")));
    if (target !== "") await symlink(target, path.join(stored, inMirror("study/results/link")));
    const { record } = await s.newCollector().collect(run(0), answer);
    expect(record.state).not.toBe("done");
    expect(await s.list("results/failed").catch(() => [])).not.toContain("link");
  },
);

it("leaves a file that the user has changed, and puts the run's version beside it", async () => {
  await using s = await study();
  await s.write("notes.txt", "mine");
  const answer = await s.finish(0, { "study/notes.txt": "of the run", "study/results/a.sca": "x" });
  const { record, warnings } = await s.newCollector().collect(run(0), answer);
  expect(record.state).toBe("done");
  expect(warnings).toEqual([expect.stringContaining("notes.txt was not replaced")]);
  expect(await s.read("notes.txt")).toBe("mine");
  expect(await s.read("notes.General-0.txt")).toBe("of the run");
  const later = s.newCollector({ ...CAMPAIGN, id: "c2" });
  await later.collect(
    run(0),
    await s.finish(0, { "study/notes.txt": "of another", "study/results/a.sca": "x" }, "done", "c2"),
  );
  expect(await s.read("notes.General-0.txt")).toBe("of another");
});

it("replaces what the same run has left, unless somebody has changed it", async () => {
  await using s = await study();
  const first = s.newCollector();
  await first.collect(run(0), await s.finish(0, { "study/log.txt": "one", "study/edited.txt": "one" }));
  await s.write("edited.txt", "mine");
  const later = s.newCollector({ ...CAMPAIGN, id: "c2" });
  await later.collect(
    run(0),
    await s.finish(0, { "study/log.txt": "two", "study/edited.txt": "two" }, "done", "c2"),
  );
  expect(await s.read("log.txt")).toBe("two");
  expect(await s.read("edited.txt")).toBe("mine");
  expect(await s.read("edited.General-0.txt")).toBe("two");
});

it("leaves a file of several runs that the user has changed between two of them", async () => {
  await using s = await study();
  const collector = s.newCollector();
  await collector.collect(run(0), await s.finish(0, { "study/results/trace.txt": "of run 0" }));
  await s.write("results/trace.txt", "the user's");
  const { warnings } = await collector.collect(
    run(1),
    await s.finish(1, { "study/results/trace.txt": "of run 1" }),
  );
  expect(warnings).toEqual([expect.stringContaining("trace.txt was not replaced")]);
  expect(await s.read("results/trace.txt")).toBe("the user's");
  expect(await s.read("results/trace.General-1.txt")).toBe("of run 1");
});

it("leaves a file that the user has changed when its run is repeated with the same identity", async () => {
  await using s = await study();
  const [first, second] = [someCampaign({ identity: "i" }), someCampaign({ id: "c2", identity: "i" })];
  const finish = (campaign: string) =>
    s.finish(0, { "study/results/trace.txt": "of run 0" }, "done", campaign);
  await s.newCollector(first).collect(run(0), await finish(first.id));
  await s.write("results/trace.txt", "the user's");
  const collector = s.newCollector(second);
  await collector.resume(() => undefined);
  await collector.collect(run(0), await finish(second.id));
  expect(await s.read("results/trace.txt")).toBe("the user's");
  expect(await s.read("results/trace.General-0.txt")).toBe("of run 0");
});

it("replaces an earlier result file of the simulator as a local run does, but none that appeared meanwhile", async () => {
  await using s = await study();
  await s.write("results/a.sca", "earlier");
  const future = { ...CAMPAIGN, createdAt: Date.now() + 60_000 };
  await s.newCollector(future).collect(run(0), await s.finish(0, { "study/results/a.sca": "whole" }));
  expect(await s.read("results/a.sca")).toBe("whole");
  await s.write("results/b.sca", "of a local run, just now");
  await s.newCollector().collect(run(1), await s.finish(1, { "study/results/b.sca": "ours" }));
  expect(await s.read("results/b.sca")).toBe("of a local run, just now");
  expect(await s.read("results/b.General-1.sca")).toBe("ours");
});

it("keeps the result of another config whose file has the same name", async () => {
  await using s = await study();
  const other = { config: "Other", runNumber: 0, iterationVariables: {}, repetition: 0 };
  const campaign = { ...CAMPAIGN, id: "c2", config: "Other", createdAt: Date.now() + 60_000 };
  await s.newCollector().collect(run(0), await s.finish(0, { "study/results/all.sca": "general" }));
  const answer = await s.finish(0, { "study/results/all.sca": "other" }, "done", "c2");
  const { warnings } = await s.newCollector(campaign).collect(other, answer);
  expect(warnings).toEqual([
    "results/all.sca is also written by General #0, whose file is now stored as all.General-0.sca",
  ]);
  expect(await s.read("results/all.sca")).toBe("other");
  expect(await s.read("results/all.General-0.sca")).toBe("general");
  expect((await readRecord(s.results, run(0)))?.files).toMatchObject([{ path: "results/all.General-0.sca" }]);
});

it("fails only the run whose file name is taken by a folder", async () => {
  await using s = await study();
  await mkdir(path.join(s.results, "x.txt"), { recursive: true });
  await s.write("results/y", "a file");
  const collector = s.newCollector();
  const one = await collector.collect(
    run(0),
    await s.finish(0, { "study/results/x.txt": "x", "study/results/a.sca": "a" }),
  );
  const two = await collector.collect(
    run(1),
    await s.finish(1, { "study/results/y/z": "x", "study/results/b.sca": "b" }),
  );
  const three = await collector.collect(run(2), await s.finish(2, { "study/results/c.sca": "c" }));
  expect([one, two, three].map(({ record }) => record.state)).toEqual(["failed", "failed", "done"]);
  expect(one.record.error).toContain("results/x.txt (a folder of that name exists)");
  expect(two.record.error).toContain("results/y/z (below a path that is a file)");
  expect(await s.read("results/failed/a.sca")).toBe("a");
});

it("shortens the name of a file kept beside another one if it would be too long", async () => {
  await using s = await study();
  const name = `${"x".repeat(250)}.txt`;
  const collector = s.newCollector();
  for (const number of [0, 1])
    await collector.collect(run(number), await s.finish(number, { [`study/results/${name}`]: `${number}` }));
  const names = await s.list("results");
  expect(names).toHaveLength(3);
  expect(names.find((each) => each.endsWith(".General-0.txt"))).toHaveLength(255);
});

it("creates the folders that a run has left empty", async () => {
  await using s = await study();
  const answer = await s.finish(0, { "study/results/a.sca": "x" });
  const folders = [inMirror("study/plots/empty"), "etc/evil", inMirror(".git/x")];
  const { record, warnings } = await s.newCollector().collect(run(0), { ...answer, folders });
  expect(record.folders).toEqual(["plots/empty"]);
  expect(await s.list("plots")).toEqual(["empty"]);
  expect(warnings).toHaveLength(2);
});

it("accepts only what was stored for this run", async () => {
  await using s = await study();
  const answer = await s.finish(0, { "study/results/a.sca": "x" });
  for (const stored of ["c1-1/1", "../../etc/1", "c1-0/../c1-0/1", "c1-0", "c1-0/1/x"]) {
    const { record } = await s.newCollector().collect(run(0), { ...answer, stored });
    expect(record).toMatchObject({ state: "lost", files: [] });
  }
});

it("does not mistake an earlier file for a lost result, and removes none", async () => {
  await using s = await study();
  await s.write("notes.txt", "same");
  await s.write("results/b.sca", "old");
  const future = { ...CAMPAIGN, createdAt: Date.now() + 60_000 };
  const answer = await s.finish(0, { "study/notes.txt": "same", "study/results/b.sca": "new" });
  await rm(path.join(s.storeDirectory, "c1-0/1/checkout/study/results/b.sca"));
  const { record } = await s.newCollector(future).collect(run(0), answer);
  expect(record).toMatchObject({ state: "lost", files: [] });
  expect(await s.read("notes.txt")).toBe("same");
  expect(await s.read("results/b.sca")).toBe("old");
});

it("does not move the user's files to those of a run that turns out to have failed", async () => {
  await using s = await study();
  await s.write("notes.txt", "same");
  const answer = await s.finish(0, {
    "study/notes.txt": "same",
    [path.join(s.results, "p")]: "one", // under another name the same place as the folder of the next one
    "study/results/p/y": "two",
  });
  const { record } = await s.newCollector().collect(run(0), answer);
  expect(record).toMatchObject({ state: "failed" });
  expect(record.error).toContain("results/p/y (not writable");
  expect(await s.read("notes.txt")).toBe("same");
  expect(await s.list("results")).toEqual([".swarm", "failed"]);
  expect(await s.read("results/failed/beside/study/notes.txt")).toBe("same");
  expect(await s.read("results/failed/p")).toBe("one");
});

it("removes a copy of an earlier result only when the run has completed and has left another", async () => {
  await using s = await study();
  await s.write("notes.txt", "mine");
  await s.write("more.txt", "mine");
  const both = { "study/notes.txt": "one", "study/more.txt": "one", "study/results/a.sca": "x" };
  const only = { "study/results/a.sca": "x" };
  await s.newCollector().collect(run(0), await s.finish(0, both));
  const records = await s.read("results/.swarm/General-0.json");
  const failed = s.newCollector({ ...CAMPAIGN, id: "c2" });
  await failed.collect(run(0), await s.finish(0, only, "failed", "c2"));
  expect(await s.read("notes.General-0.txt")).toBe("one");
  await writeFile(path.join(s.results, ".swarm/General-0.json"), records);
  await s.write("more.General-0.txt", "changed");
  const done = s.newCollector({ ...CAMPAIGN, id: "c3" });
  await done.collect(run(0), await s.finish(0, only, "done", "c3"));
  expect(await s.list(".")).toEqual(["more.General-0.txt", "more.txt", "notes.txt", "results"]);
});

it("leaves a file that the user had before a run wrote the same content, also when a later run writes another", async () => {
  await using s = await study();
  await s.write("results/all.csv", "same");
  const later = (id: string) => s.newCollector({ ...CAMPAIGN, id, createdAt: Date.now() + 60_000 });
  const first = await later("c1").collect(run(0), await s.finish(0, { "study/results/all.csv": "same" }));
  expect(first.record.files).toMatchObject([{ path: "results/all.csv", wasThere: true }]);
  const other = await s.finish(1, { "study/results/all.csv": "of 1" }, "done", "c2");
  const { warnings } = await later("c2").collect(run(1), other);
  expect(warnings[0]).toContain("results/all.csv was not replaced");
  await later("c3").collect(run(0), await s.finish(0, { "study/results/all.csv": "of 0" }, "done", "c3"));
  expect(await s.read("results/all.csv")).toBe("same");
  expect(await s.read("results/all.General-0.csv")).toBe("of 0");
  expect(await s.read("results/all.General-1.csv")).toBe("of 1");
});

/** An answer whose empty file is a link. */
function withLink(answer: RunResult, target: string): RunResult {
  const files = answer.files.map((file) =>
    file.sizeBytes === 0 ? { path: file.path, sizeBytes: target.length } : file,
  );
  return { ...answer, files };
}

it.each([
  ["a file", "target.txt"],
  ["a link that leads nowhere", "dangling"],
  ["itself", "link"],
])("accepts a link to %s that exists already", async (_, target) => {
  await using s = await study();
  await s.write("results/target.txt", "local");
  await symlink("nowhere", path.join(s.results, "dangling"));
  await symlink(target, path.join(s.results, "link"));
  const answer = await s.finish(0, { "study/results/a.sca": "aaa", "study/results/link": "" });
  const stored = await s.store.open(answer.stored!, answer.files, "");
  await rm(path.join(stored, inMirror("study/results/link")));
  await symlink(target, path.join(stored, inMirror("study/results/link")));
  const { record } = await s.newCollector().collect(run(0), withLink(answer, target));
  expect(record).toMatchObject({ state: "done" });
});

it("refuses a link to a link that leads out of the checkout", async () => {
  await using s = await study();
  await mkdir(s.results, { recursive: true });
  await symlink(path.join(s.home, "secret"), path.join(s.results, "out"));
  const answer = await s.finish(0, { "study/results/a.sca": "aaa", "study/results/link": "" });
  const stored = await s.store.open(answer.stored!, answer.files, "");
  await rm(path.join(stored, inMirror("study/results/link")));
  await symlink("out", path.join(stored, inMirror("study/results/link")));
  const { record } = await s.newCollector().collect(run(0), withLink(answer, "out"));
  expect(record.error).toContain("results/link (a symbolic link that leads out of the checkout, to out)");
});
