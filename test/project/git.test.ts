import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { checkOut, restore } from "../../src/project/git/checkout.ts";
import { filesOfTree } from "../../src/project/git/commands/files.ts";
import { resolveCommit } from "../../src/project/git/commit.ts";
import { headCommit, openCheckout } from "../../src/project/git/git.ts";
import { makeRepository } from "../helpers/git.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

it("resolves commits and names one that does not exist", async () => {
  await using repository = await makeRepository();
  const checkout = await openCheckout(repository.path);
  expect(await resolveCommit(checkout, "main")).toBe(await repository.git("rev-parse", "HEAD"));
  await expect(resolveCommit(checkout, "nosuch")).rejects.toThrow(`no commit nosuch in ${repository.path}`);
  await expect(resolveCommit(checkout, "--all")).rejects.toThrow("no commit --all");
});

it("asks for a first commit", async () => {
  await using directory = await temporaryDirectory();
  await using repository = await makeRepository();
  await repository.git("init", "--quiet", directory.path);
  await expect(headCommit(await openCheckout(directory.path))).rejects.toThrow("has no commit yet");
});

it("reports that a folder is not in a checkout", async () => {
  await using directory = await temporaryDirectory();
  await expect(openCheckout(directory.path)).rejects.toThrow(`${directory.path} is not in a git checkout`);
});

it("identifies a worktree by its own git directory", async () => {
  await using repository = await makeRepository({ "a.txt": "a" });
  await using directory = await temporaryDirectory();
  const worktree = path.join(directory.path, "w");
  await repository.git("worktree", "add", "--quiet", worktree, "-b", "other");
  const checkout = await openCheckout(worktree);
  expect(checkout.top).toBe(worktree);
  const tree = path.join(directory.path, "tree");
  await checkOut({ gitDirectory: checkout.gitDirectory, commit: await headCommit(checkout) }, tree);
  expect(await readFile(path.join(tree, "a.txt"), "utf8")).toBe("a");
});

it("checks out a commit beside the repository and restores single files", async () => {
  await using repository = await makeRepository({ "src/a.txt": "one", "run.sh": "#!/bin/sh\n" });
  await chmod(path.join(repository.path, "run.sh"), 0o755);
  const commit = await repository.commit();
  await repository.commit({ "src/a.txt": "two" });
  await using directory = await temporaryDirectory();
  const source = { gitDirectory: path.join(repository.path, ".git"), commit };
  const tree = path.join(directory.path, "tree");
  await checkOut(source, tree);
  expect(await readFile(path.join(tree, "src/a.txt"), "utf8")).toBe("one");
  expect((await stat(path.join(tree, "run.sh"))).mode & 0o100).toBe(0o100);
  await writeFile(path.join(tree, "src/a.txt"), "damaged");
  await restore(source, tree, ["src/a.txt"]);
  expect(await readFile(path.join(tree, "src/a.txt"), "utf8")).toBe("one");
  expect(await repository.git("status", "--porcelain")).toBe("");
});

it("reports a commit that the repository does not have", async () => {
  await using repository = await makeRepository();
  await using directory = await temporaryDirectory();
  await mkdir(path.join(directory.path, "tree"));
  const source = { gitDirectory: path.join(repository.path, ".git"), commit: "0".repeat(40) };
  await expect(checkOut(source, path.join(directory.path, "tree"))).rejects.toThrow(
    "git cannot check out 000000000000",
  );
});

it("lists a commit's files, whatever characters their names contain", async () => {
  await using repository = await makeRepository({ "a b.ini": "", "sub/ü\n.cc": "" });
  const checkout = await openCheckout(repository.path);
  const tree = await filesOfTree(await headCommit(checkout), { cwd: checkout.top });
  expect(tree.map((entry) => entry.path)).toEqual(["a b.ini", "sub/ü\n.cc"]);
});
