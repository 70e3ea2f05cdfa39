import { readdir, rm, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { readCode } from "../../src/project/git/code.ts";
import { openCheckout } from "../../src/project/git/git.ts";
import { commitTree, packCommit } from "../../src/project/git/pack.ts";
import { makeRepository, type Repository } from "../helpers/git.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** Git updates the time of an existing object that it would write: a time from long ago shows that. */
async function age(repository: Repository): Promise<void> {
  const past = new Date("2001-02-03T04:05:06Z");
  const all = await readdir(path.join(repository.path, ".git"), { recursive: true, withFileTypes: true });
  const objects = all.filter((entry) => entry.isFile() && /\/objects(\/|$)/.test(entry.parentPath));
  for (const entry of objects) await utimes(path.join(entry.parentPath, entry.name), past, past);
}

/** Reads the code like a campaign, and creates what would be sent. @returns the tree's hash. */
async function ship(repository: Repository, signal?: AbortSignal): Promise<string> {
  const checkout = await openCheckout(repository.path, signal);
  const request = { checkout, ship: [], isLeftOut: Promise.resolve(() => false) };
  await using code = await readCode(request, undefined, signal);
  const commit = await commitTree(code, code.tree, code.commit);
  await packCommit(code, commit, code.commit, signal);
  return code.tree;
}

const FILES = { "src/a.cc": "one\n", "src/deep/b.cc": "b\n", "data.bin": "raw\n", "x.ini": "x\n" };

type State = (repository: Repository) => Promise<unknown>;
const STATES: Record<string, State> = {
  clean: () => Promise.resolve(),
  "a file that was staged": async (r) => {
    await r.write({ "src/a.cc": "staged\n" });
    await r.git("add", "src/a.cc");
  },
  "a file with the content that it had before": async (r) => {
    await r.commit({ "src/a.cc": "two\n" });
    await r.write({ "src/a.cc": "one\n" });
  },
  "a packed file with the content that it had before": async (r) => {
    await r.commit({ "src/a.cc": "two\n" });
    await r.git("gc", "--quiet");
    await r.write({ "src/a.cc": "one\n" });
  },
  "a new file with the content of another one": async (r) => r.write({ "src/deep/c.cc": "one\n" }),
  "all files written again": async (r) => r.write(FILES),
  "an index that knows no tree": async (r) => {
    await r.git("update-index", "--force-remove", "src/deep/b.cc");
    await r.git("update-index", "--add", "src/deep/b.cc");
  },
  "an index that was rewritten": async (r) => {
    await rm(path.join(r.path, ".git/index"));
    await r.git("read-tree", "HEAD");
  },
  "a file that passes a filter": async (r) => {
    await r.commit({ ".gitattributes": "*.bin filter=pass\n" });
    await r.git("config", "filter.pass.clean", "cat");
    await r.write({ "data.bin": "b\n" });
  },
  "a file that is gone": async (r) => rm(path.join(r.path, "src/deep/b.cc")),
};

it.each(Object.entries(STATES))("leaves a repository unchanged: %s", async (_, change) => {
  await using repository = await makeRepository(FILES);
  await change(repository);
  await age(repository);
  const before = await repository.everything();
  await ship(repository);
  expect(await repository.everything()).toEqual(before);
});

it("leaves a submodule unchanged, whatever it contains", async () => {
  await using inner = await makeRepository({ "src/lib.cc": "lib\n", "src/deep/x.cc": "x\n" });
  await using repository = await makeRepository(FILES);
  await repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.path, "lib");
  await repository.commit();
  await repository.write({ "lib/src/lib.cc": "x\n", "lib/new.cc": "lib\n" });
  await age(repository);
  const before = await repository.everything();
  await ship(repository);
  expect(await repository.everything()).toEqual(before);
});

it.each(Object.entries(STATES))("returns the tree that git would commit: %s", async (_, change) => {
  await using repository = await makeRepository(FILES);
  await change(repository);
  const tree = await ship(repository);
  await repository.commit();
  expect(tree).toBe(await repository.git("rev-parse", "HEAD^{tree}"));
});

it("fetches nothing if a repository was cloned without all of its objects", async () => {
  await using origin = await makeRepository(FILES);
  await origin.git("config", "uploadpack.allowFilter", "true");
  await using place = await temporaryDirectory();
  const top = path.join(place.path, "partial");
  await origin.git("clone", "--quiet", "--filter=blob:none", `file://${origin.path}`, top);
  await rm(path.join(origin.path, ".git"), { recursive: true });
  await writeFile(path.join(top, "src/a.cc"), "changed\n");
  await writeFile(path.join(top, "src/deep/new.cc"), "new\n");
  expect(await ship({ ...origin, path: top })).toMatch(/^[0-9a-f]{40}$/);
});

it.each([0, 2, 5, 10, 20, 40, 80])(
  "leaves the repository unchanged when it is interrupted after %i ms",
  async (ms) => {
    await using repository = await makeRepository(FILES);
    await repository.write({ "src/a.cc": "changed\n", "src/deep/new.cc": "new\n" });
    await age(repository);
    const before = await repository.everything();
    await ship(repository, AbortSignal.timeout(ms)).catch((error: unknown) =>
      expect((error as Error).name).toMatch(/^(Abort|Timeout)Error$/),
    );
    expect(await repository.everything()).toEqual(before);
  },
);
