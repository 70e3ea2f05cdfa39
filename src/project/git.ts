import { realpath } from "node:fs/promises";
import path from "node:path";
import { simpleGit, GitError, GitPluginError, type SimpleGit } from "simple-git";
import { UserError } from "../errors.ts";

/** A git checkout, as questions that never change it: no lock is taken, no index refreshed. */
export interface Checkout {
  /** Top level of the work tree, absolute, without symbolic links. */
  top: string;
  /** The git directory of this work tree, absolute. */
  gitDirectory: string;
  /** Where the objects lie, which all work trees of a repository share. */
  objectDirectory: string;
  git: SimpleGit;
}

const TIMEOUT_MS = 60_000;

/**
 * The checkout that a directory lies in.
 * @throws {UserError} outside of a checkout, and where git is missing or refuses the repository.
 */
export async function openCheckout(directory: string, signal?: AbortSignal): Promise<Checkout> {
  const git = simpleGit({
    baseDir: directory,
    timeout: { block: TIMEOUT_MS },
    ...(signal && { abort: signal }),
  });
  const question = ["rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-path", "objects"];
  const answer = await ask(git, question, (reason) => outsideOfCheckout(directory, reason));
  const [top, gitDirectory, objects] = answer.split("\n");
  if (!top || !gitDirectory || !objects) throw outsideOfCheckout(directory, "it has no work tree");
  const objectDirectory = await realpath(path.resolve(directory, objects));
  return { top: await realpath(top), gitDirectory, objectDirectory, git };
}

function outsideOfCheckout(directory: string, reason: string): UserError {
  if (reason.includes("ENOENT")) return new UserError("git: command not found", { hint: "install git" });
  if (!/not a git repository|no work tree/.test(reason))
    return new UserError(`git cannot read ${directory}: ${reason}`);
  return new UserError(`${directory} is not in a git checkout`, {
    hint: "the swarm gets the project's code by its commit; make a repository with: git init && git add -A && git commit",
  });
}

/**
 * The full hash of a commit.
 * @param ref what the user typed: a hash, branch, tag, `HEAD~2`.
 */
export async function resolveCommit(checkout: Checkout, ref: string): Promise<string> {
  const answer = await ask(
    checkout.git,
    ["rev-parse", "--verify", "--end-of-options", `${ref}^{commit}`],
    () => {
      if (ref === "HEAD") {
        return new UserError(`${checkout.top} has no commit yet`, {
          hint: "commit your files first: git add -A && git commit",
        });
      }
      return new UserError(`there is no commit ${ref} in ${checkout.top}`, {
        hint: "see: git log --oneline --all",
      });
    },
  );
  return answer.trim();
}

export interface TreeEntry {
  mode: string;
  object: string;
  path: string;
}

/** Reads what `git ls-files --stage -z` prints. */
export function parseEntries(output: string): TreeEntry[] {
  return output.split("\0").flatMap((line) => {
    const match = /^(\d+) ([0-9a-f]+) \d\t(.*)$/s.exec(line);
    return match ? [{ mode: match[1]!, object: match[2]!, path: match[3]! }] : [];
  });
}

/** All files of a commit, in git's order. */
export async function listTree(checkout: Checkout, commit: string): Promise<TreeEntry[]> {
  const output = await ask(checkout.git, ["ls-tree", "-r", "-z", "--full-tree", commit]);
  return output.split("\0").flatMap((line) => {
    const match = /^(\d+) \w+ ([0-9a-f]+)\t(.*)$/s.exec(line);
    return match ? [{ mode: match[1]!, object: match[2]!, path: match[3]! }] : [];
  });
}

async function ask(
  git: SimpleGit,
  command: string[],
  explain?: (reason: string) => UserError,
): Promise<string> {
  try {
    return await git.raw(command);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    if (error instanceof GitPluginError && error.plugin === "abort")
      throw new DOMException("git was interrupted", "AbortError");
    throw (
      explain?.(error.message) ??
      new UserError(`git ${command.join(" ")}: ${error.message.trim()}`, { cause: error })
    );
  }
}
