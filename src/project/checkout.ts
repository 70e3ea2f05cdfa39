import { mkdir, rm } from "node:fs/promises";
import { UserError } from "../errors.ts";
import { temporaryName } from "../system/files.ts";
import { removeTree } from "../system/remove-tree.ts";
import { objectsOf } from "./git.ts";
import { git } from "./plumbing.ts";
import { makeGitDirectory, readingEnvironment } from "./scratch.ts";

/** A commit in a repository on this machine. */
export interface StoredCommit {
  gitDirectory: string;
  commit: string;
}

/** Git cannot write the files of a commit: its repository is damaged, or the place for the files cannot be used. */
export class CheckoutFailed extends UserError {
  override name = "CheckoutFailed";
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

export async function removeCheckout(tree: string): Promise<void> {
  await removeTree(tree);
  await rm(indexFile(tree), { force: true });
}

function indexFile(tree: string): string {
  return `${tree}.index`;
}

/**
 * Runs git with a git directory of ours, so that neither the configuration and attributes of the repository nor
 * those of the tree convert a file or execute a program: a checkout has the bytes that the disk had.
 */
async function run(
  { gitDirectory, commit }: StoredCommit,
  tree: string,
  command: string[],
  signal?: AbortSignal,
  input?: string,
): Promise<void> {
  const own = temporaryName(tree);
  try {
    makeGitDirectory(own, commit);
    const objects = await objectsOf(gitDirectory);
    await git(command, {
      cwd: tree,
      env: { ...readingEnvironment(own, [objects]), GIT_WORK_TREE: tree, GIT_INDEX_FILE: indexFile(tree) },
      signal,
      ...(input !== undefined && { input }),
      explain: (reason) =>
        new CheckoutFailed(`git cannot check out ${commit.slice(0, 12)} of ${gitDirectory}: ${reason}`, {
          hint: `see whether the repository is whole: git --git-dir ${gitDirectory} fsck`,
        }),
    });
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}
