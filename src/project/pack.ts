import { open, stat } from "node:fs/promises";
import path from "node:path";
import type { Code } from "./code.ts";
import { git } from "./plumbing.ts";

/** The same tree on the same base is the same commit, whoever makes it and when. */
const NOBODY = {
  GIT_AUTHOR_NAME: "inet-swarm",
  GIT_AUTHOR_EMAIL: "inet-swarm@localhost",
  GIT_AUTHOR_DATE: "@0 +0000",
  GIT_COMMITTER_NAME: "inet-swarm",
  GIT_COMMITTER_EMAIL: "inet-swarm@localhost",
  GIT_COMMITTER_DATE: "@0 +0000",
};

/** A commit of a tree that is in no branch; its hash depends on the tree and the parent alone. */
export async function commitTree(
  code: Code,
  tree: string,
  parent: string | undefined,
  signal?: AbortSignal,
): Promise<string> {
  const parents = parent === undefined ? [] : ["-p", parent];
  const command = [
    "-c",
    "i18n.commitEncoding=UTF-8",
    "commit-tree",
    tree,
    ...parents,
    "-m",
    "Files as sent to a swarm",
  ];
  const env = { ...code.env, ...NOBODY };
  return (await git(command, { cwd: code.checkout.top, env, signal })).trim();
}

/**
 * Writes a commit and all that it has beyond another one to a pack, as `git push` would send it.
 * @param base a commit whose objects the swarm has or can fetch; undefined where it has nothing.
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

const ANCESTORS = 20;

/** The trees of the commit and of those before it, the nearest first. */
export async function ancestorTrees(code: Code, signal?: AbortSignal): Promise<string[]> {
  const command = ["log", `--max-count=${ANCESTORS}`, "--first-parent", "--format=%T", code.commit];
  return (await git(command, { cwd: code.checkout.top, signal })).trim().split("\n");
}
