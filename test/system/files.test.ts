import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, readlink, stat, symlink, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import {
  linkOrCopy,
  makeFolders,
  moveFile,
  moveFiles,
  removeLeftovers,
  temporaryName,
  writeFileAtomically,
} from "../../src/system/files.ts";
import { isInside } from "../../src/system/paths.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

it("replaces a file and leaves no temporary file", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "state.json");
  await writeFileAtomically(file, "old", 0o600);
  await writeFileAtomically(file, "new", 0o600);
  expect(await readFile(file, "utf8")).toBe("new");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(directory.path)).toEqual(["state.json"]);
});

it("moves files with their folders, and symbolic links unchanged", async () => {
  await using directory = await temporaryDirectory();
  const [from, to] = [path.join(directory.path, "from"), path.join(directory.path, "to")];
  await mkdir(path.join(from, "a/b"), { recursive: true });
  await writeFile(path.join(from, "a/b/c"), "c");
  await symlink("b/c", path.join(from, "a/link"));
  await moveFiles(from, to, ["a/b/c", "a/link"]);
  expect(await readFile(path.join(to, "a/b/c"), "utf8")).toBe("c");
  expect(await readlink(path.join(to, "a/link"))).toBe("b/c");
  expect(await readdir(path.join(from, "a"))).toEqual(["b"]);
});

it.runIf(existsSync("/dev/shm"))("moves a file to another file system", async () => {
  await using directory = await temporaryDirectory();
  await using other = await temporaryDirectory("../dev/shm/swarm-test-");
  const [from, to] = [path.join(directory.path, "x"), path.join(other.path, "x")];
  await writeFile(from, "content");
  await utimes(from, 1_000_000, 1_000_000);
  await moveFile(from, to);
  expect(await readFile(to, "utf8")).toBe("content");
  expect((await stat(to)).mtimeMs).toBe(1_000_000_000); // an index contains the time of its vector file
  expect(await readdir(directory.path)).toEqual([]);
  expect(await readdir(other.path)).toEqual(["x"]);
});

it("shares the content of a linked file, which a rewritten original does not change", async () => {
  await using directory = await temporaryDirectory();
  const [original, second] = [path.join(directory.path, "libx.so"), path.join(directory.path, "kept.so")];
  await writeFile(original, "v1");
  await linkOrCopy(original, second);
  await writeFileAtomically(original, "v2");
  expect(await readFile(second, "utf8")).toBe("v1");
});

it.each([
  ["/a/b", "/a/b/c", true],
  ["/a/b", "/a/b", true],
  ["/a/b", "/a/bc", false],
  ["/a/b", "/a", false],
  ["/a/b", "/a/b/..c", true],
])("isInside(%s, %s) is %s", (directory, file, expected) => {
  expect(isInside(directory, file)).toBe(expected);
});

it("creates folders also if several processes do so concurrently", async () => {
  await using directory = await temporaryDirectory();
  const folder = path.join(directory.path, "results/.swarm");
  await Promise.all(Array.from({ length: 9 }, () => makeFolders(folder)));
  expect((await stat(folder)).isDirectory()).toBe(true);
});

it("removes what killed processes left behind, and nothing that may be in use", async () => {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "result.vec");
  await writeFile(temporaryName(file), "half");
  await mkdir(path.join(temporaryName(file), "files"), { recursive: true });
  await writeFile(file, "whole");
  await removeLeftovers(directory.path);
  expect(await readdir(directory.path)).toHaveLength(3);
  await removeLeftovers(directory.path, 0);
  expect(await readdir(directory.path)).toEqual(["result.vec"]);
  await removeLeftovers(path.join(directory.path, "nowhere"));
});

it("removes immediately what an ended process of this machine has left, and nothing of others", async () => {
  await using directory = await temporaryDirectory();
  const own = path.basename(temporaryName(path.join(directory.path, "result.sca")));
  const ended = own.replace(`.${process.pid}.`, ".999999999.");
  const restarted = own.replace(/^(\.swarm-tmp-\w+\.\d+\.)/, "$10"); // the same pid, another process
  const elsewhere = ended.replace(/^\.swarm-tmp-\w+/, ".swarm-tmp-00000000");
  for (const name of [own, ended, restarted, elsewhere]) await writeFile(path.join(directory.path, name), "");
  await removeLeftovers(directory.path);
  expect((await readdir(directory.path)).sort()).toEqual([own, elsewhere].sort());
});
