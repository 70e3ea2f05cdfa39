import { open, stat } from "node:fs/promises";
import path from "node:path";
import type { Code } from "./code.ts";
import { makeObject, writeObject } from "./objects.ts";
import { git } from "./plumbing.ts";

/** A constant author, so that the same tree with the same parent always has the same commit hash. */
const NOBODY = "inet-swarm <inet-swarm@localhost> 0 +0000";

/**
 * Writes a commit of a tree that is in no branch, and returns
 * its hash, which depends only on the tree and the parent.
 */
export async function commitTree(code: Code, tree: string, parent: string | undefined): Promise<string> {
  const parents = parent === undefined ? [] : [`parent ${parent}`];
  const head = [`tree ${tree}`, ...parents, `author ${NOBODY}`, `committer ${NOBODY}`];
  const text = `${head.join("\n")}\n\nFiles as sent to a swarm\n`;
  const commit = makeObject("commit", Buffer.from(text), tree);
  await writeObject(code.scratch.objects, commit);
  return commit.hash;
}

/**
 * Writes a pack with a commit and all objects that a base lacks, as `git push` would send it.
 * @param base a commit whose objects the swarm has or can fetch; undefined if it has none.
 * @see git-pack-objects(1) --revs, --thin.
 */
export async function packCommit(
  code: Code,
  commit: string,
  base: string | undefined,
  signal?: AbortSignal,
): Promise<{ file: string; sizeBytes: number }> {
  const file = path.join(code.scratch.scratch, `${commit}.pack`);
  await using handle = await open(file, "wx", 0o600);
  await git(["pack-objects", "--revs", "--thin", "--stdout", "--quiet", "--delta-base-offset"], {
    cwd: code.checkout.top,
    env: code.env,
    input: `${commit}\n${base === undefined ? "" : `^${base}\n`}`,
    outputTo: handle.fd,
    signal,
  });
  return { file, sizeBytes: (await stat(file)).size };
}

/**
 * Returns whether all files of a tree exist in the repository; in a partial clone, some may be missing.
 * @see git-rev-list(1) --missing.
 */
export async function isWhole(code: Code, tree: string, signal?: AbortSignal): Promise<boolean> {
  const command = ["rev-list", "--objects", "--missing=print", "--end-of-options", tree];
  const answer = await git(command, { cwd: code.checkout.top, env: code.env, signal });
  return !/^\?/m.test(answer);
}

const ANCESTORS = 20;

/** Returns the trees of the commit and its ancestors, the nearest first. */
export async function ancestorTrees(code: Code, signal?: AbortSignal): Promise<string[]> {
  const { commit, env, checkout } = code;
  const command = ["rev-list", `--max-count=${ANCESTORS}`, "--first-parent", "--format=%T", commit];
  const lines = (await git(command, { cwd: checkout.top, env, signal })).trim().split("\n");
  return lines.filter((line) => !line.startsWith("commit "));
}
