import { mkdir, rm } from "node:fs/promises";
import { UserError } from "../errors.ts";
import { git, type GitOptions } from "./plumbing.ts";

/** A commit in a repository on this machine. */
export interface StoredCommit {
  gitDirectory: string;
  commit: string;
}

/**
 * Writes the tracked files of a commit into an empty directory. The index lies beside it, so the repository
 * that the commit comes from is only read.
 * @throws {UserError} where the repository does not have the commit or git fails.
 */
export async function checkOut(stored: StoredCommit, tree: string, signal?: AbortSignal): Promise<void> {
  await mkdir(tree, { recursive: true });
  await run(stored, tree, ["read-tree", stored.commit], signal);
  await restore(stored, tree, undefined, signal);
}

/**
 * Writes tracked files again, over whatever is there.
 * @param files relative to the tree; undefined for all.
 */
export async function restore(
  stored: StoredCommit,
  tree: string,
  files: readonly string[] | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const which = files === undefined ? ["--all"] : ["-z", "--stdin"];
  await run(stored, tree, ["checkout-index", "--force", "--quiet", ...which], signal, files?.join("\0"));
}

export async function removeTree(tree: string): Promise<void> {
  await rm(tree, { recursive: true, force: true });
  await rm(indexFile(tree), { force: true });
}

function indexFile(tree: string): string {
  return `${tree}.index`;
}

/**
 * Filters stay off: the tree has the bytes that were on the disk. So does the configuration of whoever the
 * worker runs as, because a checkout is to be the same everywhere.
 */
async function run(
  { gitDirectory, commit }: StoredCommit,
  tree: string,
  command: string[],
  signal?: AbortSignal,
  input?: string,
): Promise<void> {
  const options: GitOptions = {
    cwd: tree,
    env: { GIT_INDEX_FILE: indexFile(tree), GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
    signal,
    ...(input !== undefined && { input }),
    explain: (reason) =>
      new UserError(`git cannot check out ${commit.slice(0, 12)} of ${gitDirectory}: ${reason}`, {
        hint: `see whether the repository is whole: git --git-dir ${gitDirectory} fsck`,
      }),
  };
  const filters = ["-c", "filter.lfs.process=", "-c", "filter.lfs.required=false"];
  await git([...filters, "--git-dir", gitDirectory, "--work-tree", tree, ...command], options);
}
