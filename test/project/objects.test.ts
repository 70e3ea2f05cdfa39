import { rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { treesOf } from "../../src/project/git/objects.ts";
import { readCode } from "../../src/project/git/code.ts";
import { filesOfTree } from "../../src/project/git/commands/files.ts";
import { openCheckout } from "../../src/project/git/git.ts";
import { commitTree } from "../../src/project/git/pack.ts";
import { makeRepository, type Repository } from "../helpers/git.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** Names that sort differently as folders, as UTF-16, or as text of some language. */
const NAMES = [
  "a",
  "a.b",
  "a-b/x",
  "a.b.c/x",
  "ab/x",
  "Z",
  "ä",
  "\ue000",
  "\u{1f600}",
  "b/c/d",
  "b/c.d",
  "b c/d\ne",
];
const FILES = Object.fromEntries(NAMES.map((name) => [name, `${name}\n`]));

async function treesIn(repository: Repository) {
  const checkout = await openCheckout(repository.path);
  const entries = await filesOfTree("HEAD", { cwd: checkout.top });
  return treesOf(entries, entries[0]!.object);
}

it("creates the same trees as git", async () => {
  await using repository = await makeRepository(FILES);
  const trees = await treesIn(repository);
  const expected = await repository.git("ls-tree", "-r", "-d", "--format=%(objectname)", "HEAD");
  expect(trees[0]?.hash).toBe(await repository.git("rev-parse", "HEAD^{tree}"));
  expect(trees.map(({ hash }) => hash).sort()).toEqual([trees[0]!.hash, ...expected.split("\n")].sort());
});

it("creates SHA-256 trees if the repository uses SHA-256", async () => {
  await using directory = await temporaryDirectory();
  await using first = await makeRepository();
  await first.git("init", "--quiet", "--object-format=sha256", directory.path);
  const other: Repository = {
    ...first,
    path: directory.path,
    git: (...args) => first.git("-C", directory.path, ...args),
  };
  await other.git("commit", "--quiet", "--allow-empty", "--message=x");
  await other.git(`--work-tree=${first.path}`, "add", "README.md");
  await other.git("commit", "--quiet", "--message=y");
  const [top] = await treesIn(other);
  expect(top?.hash).toHaveLength(64);
  expect(top?.hash).toBe(await other.git("rev-parse", "HEAD^{tree}"));
});

it("creates the same commit as git", async () => {
  await using repository = await makeRepository();
  await repository.write({ "src/new.cc": "new\n" });
  const request = {
    checkout: await openCheckout(repository.path),
    ship: [],
    isLeftOut: Promise.resolve(() => false),
  };
  await using code = await readCode(request, undefined);
  const made = await commitTree(code, code.tree, code.commit);
  await repository.commit();
  const who = ["AUTHOR", "COMMITTER"].flatMap((role) => [
    `GIT_${role}_NAME=inet-swarm`,
    `GIT_${role}_EMAIL=inet-swarm@localhost`,
    `GIT_${role}_DATE=@0 +0000`,
  ]);
  await repository.git("config", "alias.as", `!env ${who.map((each) => `'${each}'`).join(" ")} git`);
  const tree = await repository.git("rev-parse", "HEAD^{tree}");
  const expected = await repository.git(
    "as",
    "commit-tree",
    tree,
    "-p",
    "HEAD~1",
    "-m",
    "Files as sent to a swarm",
  );
  expect(made).toBe(expected);
});

it("waits for pending reads of a damaged commit before it removes its folder", async () => {
  await using repository = await makeRepository(FILES);
  const checkout = await openCheckout(repository.path);
  const tree = await repository.git("rev-parse", "HEAD^{tree}");
  await rm(path.join(checkout.objectDirectory, tree.slice(0, 2), tree.slice(2)));
  let goOn: () => void = () => undefined;
  const isLeftOut = new Promise<() => boolean>((resolve) => (goOn = () => resolve(() => false)));
  const reading = readCode({ checkout, ship: [], isLeftOut }, undefined).catch((error: unknown) => error);
  expect(await Promise.race([reading, delay(1000, "is reading still")])).toBe("is reading still");
  goOn();
  expect(await reading).toMatchObject({
    message: expect.stringContaining("git cannot read the commit") as string,
  });
});
