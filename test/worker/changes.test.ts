import { chmod, mkdir, rename, rm, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { changesSince, setMark, type Mark } from "../../src/worker/tree/changes.ts";
import { takeSnapshot } from "../../src/worker/tree/snapshot.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** The number of files from which on `find` is called. */
async function makeTree(root: string, files: number): Promise<void> {
  for (let folder = 0; folder < 3; folder++) {
    await mkdir(path.join(root, `d${folder}`), { recursive: true });
    for (let file = 0; file < files / 3; file++) await writeFile(path.join(root, `d${folder}/f${file}`), "x");
  }
}

describe.each([
  ["a small tree", 9],
  ["a large tree", 900],
])("in %s", (_, files) => {
  const changed = async (work: (root: string) => Promise<void>, disturb = (mark: Mark): Mark => mark) => {
    await using directory = await temporaryDirectory();
    const root = path.join(directory.path, "tree");
    await makeTree(root, files);
    const before = takeSnapshot(root);
    const mark = setMark(path.join(directory.path, "mark"), before);
    await work(root);
    const { written, damaged, directories, missing } = await changesSince(disturb(mark), root, before);
    return {
      written: written.map((file) => file.path).sort(),
      damaged: damaged.sort(),
      directories,
      missing,
    };
  };

  it("finds nothing if nothing was changed", async () => {
    expect(await changed(() => Promise.resolve())).toEqual({
      written: [],
      damaged: [],
      directories: [],
      missing: [],
    });
  });

  it("finds new, changed, removed and renamed files", async () => {
    const difference = await changed(async (root) => {
      await mkdir(path.join(root, "new/deep"), { recursive: true });
      await writeFile(path.join(root, "new/deep/a"), "");
      await writeFile(path.join(root, "d0/f0"), "longer");
      await rm(path.join(root, "d0/f1"));
      await rename(path.join(root, "d0/f2"), path.join(root, "d1/moved"));
      await rm(path.join(root, "d2"), { recursive: true });
    });
    expect(difference.written).toEqual(["d0/f0", "d1/moved", "new/deep/a"]);
    expect(difference.damaged).toEqual(expect.arrayContaining(["d0/f0", "d0/f1", "d0/f2", "d2/f0"]));
    expect(difference.damaged).toHaveLength(3 + files / 3);
    expect(difference.directories).toEqual(["new/deep", "new"]);
    expect(difference.missing).toEqual(["d2"]);
  });

  it("finds a file whose modification time was set back", async () => {
    const difference = await changed(async (root) => {
      await writeFile(path.join(root, "d0/old"), "");
      await utimes(path.join(root, "d0/old"), 1000, 1000);
    });
    expect(difference.written).toEqual(["d0/old"]);
  });

  it("names folders that were locked, also new ones, with their mode", async () => {
    await using directory = await temporaryDirectory();
    const root = path.join(directory.path, "tree");
    await makeTree(root, files);
    const before = takeSnapshot(root);
    const mark = setMark(path.join(directory.path, "mark"), before);
    await mkdir(path.join(root, "new"));
    await chmod(path.join(root, "new"), 0);
    await chmod(path.join(root, "d1"), 0o555);
    const { locked } = await changesSince(mark, root, before);
    expect([...locked!].sort()).toEqual([
      ["d1", 0o555],
      ["new", 0],
    ]);
    expect((await changesSince(mark, root, before)).locked).toBeUndefined();
  });

  it("finds everything when the clock was changed meanwhile", async () => {
    const work = (root: string): Promise<void> => writeFile(path.join(root, "d0/new"), "");
    const anHourAgo = (mark: Mark): Mark => ({ ...mark, wallClock: mark.wallClock + 3_600_000 });
    const future = new Date(Date.now() + 3_600_000);
    const difference = await changed(async (root) => {
      await work(root);
      if (files > 500) await utimes(path.join(root, "..", "mark"), future, future); // what find would compare with
    }, anHourAgo);
    expect(difference.written).toEqual(["d0/new"]);
  });
});
