import { lstatSync } from "node:fs";
import { lstat, utimes } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { isSame } from "../../src/project/git/disk.ts";
import { openCheckout } from "../../src/project/git/git.ts";
import { copyIndex, readEntries } from "../../src/project/git/index-entries.ts";
import { makeRepository } from "../helpers/git.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

it("trusts the index for all files except those changed just before it was written", async () => {
  await using repository = await makeRepository({ "a.cc": "int a;\n", "b c\n.ini": "", "src/d.ned": "x\n" });
  await using scratch = await temporaryDirectory();
  const file = path.join(repository.path, ".git/index");
  const known = async (name: string): Promise<Record<string, boolean>> => {
    const index = await copyIndex(await openCheckout(repository.path), scratch.path, name);
    const env = { GIT_INDEX_FILE: index.file };
    const entries = await readEntries({ cwd: repository.path, env });
    const same = entries.map((entry) => {
      const stats = lstatSync(path.join(repository.path, entry.path));
      return [entry.path, isSame(stats, entry, index)] as const;
    });
    return Object.fromEntries(same);
  };
  const later = new Date(Date.now() + 60_000);
  await utimes(file, later, later);
  expect(await known("1")).toEqual({ "a.cc": true, "b c\n.ini": true, "src/d.ned": true });
  const { mtime } = await lstat(path.join(repository.path, "a.cc"));
  await utimes(file, mtime, mtime);
  expect(await known("2")).toMatchObject({ "a.cc": false });
  await utimes(file, later, later);
  await repository.write({ "a.cc": "int b;\n" });
  await utimes(path.join(repository.path, "a.cc"), mtime, mtime);
  expect(await known("3")).toEqual({ "a.cc": false, "b c\n.ini": true, "src/d.ned": true });
});
