import { link, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { foldsCase, otherNameOf, sameButForCase } from "../../src/campaign/collect/name-case.ts";
import { Replacements } from "../../src/campaign/collect/replacement.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

it("finds paths that differ only in case if the file system ignores case", () => {
  const paths = ["/r/A.sca", "/r/b.sca", "/r/a.sca", "/R/a.sca", "/r/b.sca", "/r/É.vec", "/r/e\u0301.vec"];
  expect(sameButForCase(paths, () => false).size).toBe(0);
  expect([...sameButForCase(paths, () => true)]).toEqual([
    ["/r/a.sca", "/r/A.sca"],
    ["/R/a.sca", "/r/A.sca"],
    ["/r/e\u0301.vec", "/r/É.vec"],
  ]);
});

it("queries the file system, which on Linux distinguishes case", async () => {
  await using directory = await temporaryDirectory();
  await writeFile(path.join(directory.path, "a.sca"), "");
  await link(path.join(directory.path, "a.sca"), path.join(directory.path, "A.SCA"));
  expect(foldsCase(path.join(directory.path, "not/there"))).toBe(false);
  expect(otherNameOf(path.join(directory.path, "a.sca"))).toBeUndefined();
});

it.runIf(process.platform === "linux")("does not fail in a folder where nobody can write", () => {
  expect(foldsCase("/sys/not/there")).toBe(false);
});

it("does not replace a result by one whose name differs in case", async () => {
  await using directory = await temporaryDirectory();
  const study = { directory: directory.path, resultDirectory: path.join(directory.path, "results") };
  const target = path.join(directory.path, "a.sca");
  await writeFile(target, "of an earlier campaign");
  const incoming = { from: target, sizeBytes: 1, sha256: "" };
  const decide = (otherName: string | undefined) =>
    new Replacements(study, Date.now() + 1000, () => otherName).decide(
      target,
      incoming,
      { config: "General", runNumber: 0 },
      undefined,
    );
  expect(await decide(undefined)).toEqual({ type: "replace" });
  expect(await decide("A.sca")).toEqual({
    type: "keep",
    why: "on this file system it has the same name as A.sca, which exists",
  });
});
