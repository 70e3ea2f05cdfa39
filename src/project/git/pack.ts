import { open, stat } from "node:fs/promises";
import path from "node:path";
import type { Code } from "./code.ts";
import { writePack } from "./commands/packs.ts";
import { hasMissingObjects, treesOfHistory } from "./commands/revisions.ts";
import { makeObject, writeObject } from "./objects.ts";

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
 */
export async function packCommit(
  code: Code,
  commit: string,
  base: string | undefined,
  signal?: AbortSignal,
): Promise<{ file: string; sizeBytes: number }> {
  const file = path.join(code.scratch.scratch, `${commit}.pack`);
  await using handle = await open(file, "wx", 0o600);
  const options = { cwd: code.checkout.top, env: code.env, signal };
  await writePack({ commit, base, to: handle.fd }, options);
  return { file, sizeBytes: (await stat(file)).size };
}

/** Returns whether all files of a tree exist in the repository; in a partial clone, some may be missing. */
export async function isWhole(code: Code, tree: string, signal?: AbortSignal): Promise<boolean> {
  return !(await hasMissingObjects(tree, { cwd: code.checkout.top, env: code.env, signal }));
}

const ANCESTORS = 20;

/** Returns the trees of the commit and its ancestors, the nearest first. */
export async function ancestorTrees(code: Code, signal?: AbortSignal): Promise<string[]> {
  const { commit, env, checkout } = code;
  return await treesOfHistory(commit, ANCESTORS, { cwd: checkout.top, env, signal });
}
