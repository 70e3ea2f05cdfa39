import { execFile } from "node:child_process";
import { chmod, mkdir, rm, symlink, unlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { makeRepository, type Repository } from "../helpers/git.ts";
import { readTree, sendTree } from "../helpers/sent-tree.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";

let place: TemporaryDirectory;
let repository: Repository;

beforeEach(async () => {
  place = await temporaryDirectory();
  repository = await makeRepository({ "a.cc": "int a;\n" }, path.join(place.path, "p"));
  vi.stubEnv("XDG_CACHE_HOME", path.join(place.path, "cache"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await place[Symbol.asyncDispose]();
});

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 1286136\n`;

it("warns of files that exist only as Git LFS pointers, and sends the pointers", async () => {
  await repository.commit({
    ".gitattributes": "*.pdf filter=lfs diff=lfs merge=lfs -text\n",
    "papers/thesis.pdf": POINTER,
    "b.pdf": POINTER,
  });
  await repository.write({ "b.pdf": "the file itself\n", "new.pdf": "new\n" });
  const warning = (where: string, names: string): string =>
    `only Git LFS pointers are ${where} of ${names}; if runs read these files, fetch them: git lfs pull`;
  const { files, warnings } = await sendTree(repository.path);
  expect(warnings).toEqual([warning("here", "papers/thesis.pdf")]);
  expect(files).toEqual(await readTree(repository.path));
  expect(files.get("papers/thesis.pdf")).toBe(`file ${POINTER}`);
  const committed = await sendTree(repository.path, { ref: "HEAD" });
  expect(committed.warnings).toEqual([warning("in the commit", "b.pdf, papers/thesis.pdf")]);
  expect(committed.files.get("b.pdf")).toBe(`file ${POINTER}`);
});

/** A repository as a submodule in `libs/lib`. */
async function addSubmodule(): Promise<void> {
  const inner = await makeRepository({ "lib.cc": "int lib;\n" }, path.join(place.path, "inner"));
  const allow = ["-c", "protocol.file.allow=always"];
  await repository.git(...allow, "submodule", "--quiet", "add", inner.path, "libs/lib");
  await repository.commit();
}

it("warns of submodules that are not initialised", async () => {
  await addSubmodule();
  expect((await sendTree(repository.path)).warnings).toEqual([]);
  await repository.git("submodule", "--quiet", "deinit", "--force", "libs/lib");
  const expected = [
    "the submodule libs/lib is not initialised, so its files are not sent; if runs need them, fetch them: git submodule update --init --recursive -- libs/lib",
  ];
  for (const sharesDisk of [true, false]) {
    const { files, warnings } = await sendTree(repository.path, { sharesDisk });
    expect(warnings).toEqual(expected);
    expect(files).toEqual(await readTree(repository.path));
  }
  await rm(path.join(repository.path, "libs"), { recursive: true });
  expect((await sendTree(repository.path)).warnings).toEqual(expected);
});

it("warns of the submodules of a commit", async () => {
  await addSubmodule();
  const { files, warnings } = await sendTree(repository.path, { ref: "HEAD" });
  expect(warnings).toEqual([
    "the submodule libs/lib of the commit is not sent with --commit; if runs need its files, check out the commit with its submodules and run without --commit",
  ]);
  expect([...files.keys()]).toEqual([".gitmodules", "a.cc"]);
});

it("sends the files of a submodule, with or without its repository", async () => {
  await addSubmodule();
  await repository.write({ "libs/lib/lib.cc": "changed\r\n", "libs/lib/new.cc": "new\n" });
  await chmod(path.join(repository.path, "libs/lib/lib.cc"), 0o755);
  const expected = await readTree(repository.path);
  expect((await sendTree(repository.path)).files).toEqual(expected);
  await rm(path.join(repository.path, "libs/lib/.git"));
  for (const sharesDisk of [true, false]) {
    const { files, warnings } = await sendTree(repository.path, { sharesDisk });
    expect(files).toEqual(expected);
    expect(warnings).toEqual([]);
  }
});

it("names a repository within the checkout that is not sent", async () => {
  const nested = path.join(repository.path, "tools/nested");
  await repository.git("init", "--quiet", nested);
  await writeFile(path.join(nested, "x.cc"), "");
  const { files, warnings } = await sendTree(repository.path);
  expect(warnings).toEqual(["tools/nested/ is a separate git repository and is not sent"]);
  expect([...files.keys()]).toEqual(["a.cc"]);
});

it.each([".GIT/config", "sub/.Git/config", "git~1", ".git. /x"])(
  "names a file that git cannot check out: %s",
  async (file) => {
    await repository.write({ [file]: "x\n" });
    const { files, warnings } = await sendTree(repository.path);
    expect(warnings).toEqual([`${file} is not sent: git does not allow this file name`]);
    expect([...files.keys()]).toEqual(["a.cc"]);
  },
);

it.each(["a tracked", "a new"])("names %s file whose name is not UTF-8", async (which) => {
  const file = Buffer.concat([Buffer.from(`${repository.path}/f`), Buffer.from([0xfc]), Buffer.from(".cc")]);
  await writeFile(file, "");
  if (which === "a tracked") await repository.commit();
  await expect(sendTree(repository.path)).rejects.toThrow("a file name is not valid UTF-8: f\ufffd.cc");
  await unlink(file);
});

it("names a tracked file that is replaced by a pipe, and does not open the pipe", async () => {
  await rm(path.join(repository.path, "a.cc"));
  await promisify(execFile)("mkfifo", [
    path.join(repository.path, "a.cc"),
    path.join(repository.path, "new.cc"),
  ]);
  await expect(sendTree(repository.path)).rejects.toThrow(
    "a.cc is a pipe, a socket or a device, which cannot be sent",
  );
  await repository.git("rm", "--quiet", "--cached", "a.cc");
  await repository.git("commit", "--quiet", "--message=x");
  expect((await sendTree(repository.path)).files).toEqual(new Map());
});

it("sends files listed in `ship` although git ignores them, and names those that do not exist", async () => {
  await repository.commit({ ".gitignore": "*.dat\n" });
  await mkdir(path.join(repository.path, "-data"));
  await repository.write({ "-data/a.dat": "a\r\n", "b.dat": "b\n" });
  const { files, warnings } = await sendTree(repository.path, { ship: ["-data", "none.dat"] });
  expect([...files]).toEqual([
    ["-data/a.dat", "file a\r\n"],
    [".gitignore", "file *.dat\n"],
    ["a.cc", "file int a;\n"],
  ]);
  expect(warnings).toEqual(['none.dat is listed under "ship", but does not exist']);
});

it("opens nothing behind a link", async () => {
  await using outside = await temporaryDirectory();
  const pipe = path.join(outside.path, "pipe");
  await promisify(execFile)("mkfifo", [pipe]);
  for (const name of ["Makefile", ".gitattributes", "new.txt"])
    await symlink(pipe, path.join(repository.path, name));
  await repository.git("add", ".gitattributes");
  const { files } = await sendTree(repository.path);
  expect(files).toEqual(await readTree(repository.path));
});
