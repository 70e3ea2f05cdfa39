import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../../errors.ts";
import { temporaryName } from "../../system/files.ts";
import { objectsOf } from "./git.ts";
import { checkOutIndex, readTree } from "./commands/trees.ts";
import { makeGitDirectory, readingEnvironment } from "./scratch.ts";

/** A commit in a repository on this machine. */
export interface StoredCommit {
  gitDirectory: string;
  commit: string;
}

/** Git cannot write the files of a commit: the repository is damaged, or the target folder is unusable. */
export class CheckoutFailed extends UserError {
  override name = "CheckoutFailed";
}

/**
 * Writes the tracked files of a commit to an empty folder. The commit's repository is only read.
 * @param tree the folder, absolute; created if necessary.
 * @throws {UserError} if the repository does not contain the commit, or git fails.
 */
export async function checkOut(stored: StoredCommit, tree: string, signal?: AbortSignal): Promise<void> {
  await mkdir(tree, { recursive: true });
  await restore(stored, tree, undefined, signal);
}

/**
 * Writes tracked files, overwriting whatever exists. This uses a temporary git directory and index, so that
 * neither the configuration and attributes of the repository nor those of the tree convert files or execute
 * programs: the files get exactly the bytes that were on the disk.
 * @param files relative to the tree; undefined for all.
 * @throws {UserError} if the repository does not contain the commit, or git fails.
 */
export async function restore(
  { gitDirectory, commit }: StoredCommit,
  tree: string,
  files: readonly string[] | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const temporary = temporaryName(tree);
  try {
    makeGitDirectory(temporary, commit);
    const objects = await objectsOf(gitDirectory);
    const options = {
      cwd: tree,
      env: {
        ...readingEnvironment(temporary, [objects]),
        GIT_WORK_TREE: tree,
        GIT_INDEX_FILE: path.join(temporary, "index"),
      },
      signal,
      explain: (reason: string) =>
        new CheckoutFailed(`git cannot check out ${commit.slice(0, 12)} of ${gitDirectory}: ${reason}`, {
          hint: `check the repository: git --git-dir ${gitDirectory} fsck`,
        }),
    };
    await readTree(commit, options);
    await checkOutIndex(files, options);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
