import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors.ts";
import type { Source } from "../model/build.ts";
import { runProgram } from "../system/program.ts";

/**
 * Writes the tracked files of a commit into an empty directory. The index lies beside it, so the repository
 * that the commit comes from is only read.
 * @throws {UserError} where the repository does not have the commit or git fails.
 */
export async function checkOut(source: Source, tree: string, signal?: AbortSignal): Promise<void> {
  await mkdir(tree, { recursive: true });
  await git(source, tree, ["read-tree", source.commit], signal);
  await restore(source, tree, undefined, signal);
}

/**
 * Writes tracked files again, over whatever is there.
 * @param files relative to the tree; undefined for all.
 */
export async function restore(
  source: Source,
  tree: string,
  files: readonly string[] | undefined,
  signal?: AbortSignal,
): Promise<void> {
  const which = files === undefined ? ["--all"] : ["-z", "--stdin"];
  await git(source, tree, ["checkout-index", "--force", "--quiet", ...which], signal, files?.join("\0"));
}

export async function removeTree(tree: string): Promise<void> {
  await rm(tree, { recursive: true, force: true });
  await rm(indexFile(tree), { force: true });
}

function indexFile(tree: string): string {
  return `${tree}.index`;
}

async function git(
  source: Source,
  tree: string,
  command: string[],
  signal?: AbortSignal,
  input?: string,
): Promise<void> {
  const { exitCode, stderr } = await runProgram(
    "git",
    ["--git-dir", source.url, "--work-tree", tree, ...command],
    {
      cwd: tree,
      env: {
        ...process.env,
        GIT_INDEX_FILE: indexFile(tree),
        GIT_OPTIONAL_LOCKS: "0",
        GIT_TERMINAL_PROMPT: "0",
      },
      signal,
      ...(input !== undefined && { input }),
    },
  );
  if (exitCode !== 0) {
    throw new UserError(
      `git cannot check out ${source.commit.slice(0, 12)} of ${source.url}: ${stderr.trim()}`,
      {
        hint: `see whether the repository is whole: git -C ${path.dirname(source.url)} fsck`,
      },
    );
  }
}
