import { readdir, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { writeRecord } from "../../src/campaign/collect/records.ts";
import { changedSince, writeManifest } from "../../src/campaign/collect/source-manifest.ts";
import { madeRecord } from "../dashboard/made.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const tree = (number: number): string => String(number).padStart(40, "0");
const entry = (name: string, object = "a", mode = "100644") => ({
  path: name,
  object: object.repeat(40),
  mode,
});

it("names the files that are new, missing, or have other content or another mode", async () => {
  await using results = await temporaryDirectory();
  const before = [entry("a b.ini"), entry("gone"), entry("mode"), entry("same"), entry("ü\nö")];
  await writeManifest(results.path, tree(1), before);
  const now = [
    entry("a b.ini", "b"),
    entry("mode", "a", "100755"),
    entry("new"),
    entry("same"),
    entry("ü\nö"),
  ];
  expect(changedSince(results.path, tree(1), now)).toEqual(["a b.ini", "gone", "mode", "new"]);
  expect(changedSince(results.path, tree(1), before)).toEqual([]);
  expect(changedSince(results.path, tree(2), now)).toBeUndefined();
  await writeFile(path.join(results.path, ".swarm/sources", `${tree(1)}.gz`), "damaged");
  expect(changedSince(results.path, tree(1), now)).toBeUndefined();
});

it("keeps at most ten lists: those that records name, and the newest", async () => {
  await using results = await temporaryDirectory();
  const named = tree(1);
  await writeRecord(results.path, madeRecord("c1", 0, { tree: named }));
  for (let number = 1; number <= 12; number++) {
    await writeManifest(results.path, tree(number), [entry("a")]);
    const file = path.join(results.path, ".swarm/sources", `${tree(number)}.gz`);
    await utimes(file, number, number).catch(() => undefined);
  }
  const kept = (await readdir(path.join(results.path, ".swarm/sources"))).map((name) => name.slice(0, 40));
  expect(kept.length).toBeLessThanOrEqual(10);
  expect(kept).toContain(named);
  expect(kept).toContain(tree(12));
});
