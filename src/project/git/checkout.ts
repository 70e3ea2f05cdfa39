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

/** Git cannot write the files of a commit: its repository is damaged, or the place for the files cannot be used. */
export class CheckoutFailed extends UserError {
  override name = "CheckoutFailed";
}

/**
 * Writes the tracked files of a commit into an empty directory. The repository that the commit comes from is only read.
 * @throws {UserError} where the repository does not have the commit or git fails.
 */
export async function checkOut(stored: StoredCommit, tree: string, signal?: AbortSignal): Promise<void> {
  await mkdir(tree, { recursive: true });
  await restore(stored, tree, undefined, signal);
}

/**
 * Writes tracked files again, over whatever is there. With a git directory and an index of ours, which are gone
 * afterwards, so that neither the configuration and attributes of the repository nor those of the tree convert a file or
 * execute a program: a checkout has the bytes that the disk had.
 * @param files relative to the tree; undefined for all.
 */
export async function restore(
  { gitDirectory, commit }: StoredCommit,
  tree: string,
  files: readonly string[] | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const own = temporaryName(tree);
  try {
    makeGitDirectory(own, commit);
    const objects = await objectsOf(gitDirectory);
    const options = {
      cwd: tree,
      env: {
        ...readingEnvironment(own, [objects]),
        GIT_WORK_TREE: tree,
        GIT_INDEX_FILE: path.join(own, "index"),
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
    await rm(own, { recursive: true, force: true });
  }
}
