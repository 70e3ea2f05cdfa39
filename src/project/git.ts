import { realpath } from "node:fs/promises";
import path from "node:path";
import { errorCode, UserError } from "../errors.ts";
import { git, tryGit, type GitOptions } from "./plumbing.ts";

/** A git checkout, as questions that never change it: no lock is taken, no index refreshed. */
export interface Checkout {
  /** Top level of the work tree, absolute, without symbolic links. */
  top: string;
  /** The git directory of this work tree, absolute. */
  gitDirectory: string;
  /** Where the objects lie, which all work trees of a repository share. */
  objectDirectory: string;
  /** Aborted when the answers are not wanted any more. */
  signal: AbortSignal | undefined;
}

const TIMEOUT_MS = 60_000;

/**
 * The checkout that a directory lies in.
 * @throws {UserError} outside of a checkout, and where git is missing or refuses the repository.
 */
export async function openCheckout(directory: string, signal?: AbortSignal): Promise<Checkout> {
  const question = ["rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-path", "objects"];
  const explain = (reason: string): UserError => outsideOfCheckout(directory, reason);
  const answer = await ask(question, { cwd: directory, signal, explain });
  const [top, gitDirectory, objects] = answer.split("\n");
  if (!top || !gitDirectory || !objects) throw outsideOfCheckout(directory, "it has no work tree");
  const objectDirectory = await realpath(path.resolve(directory, objects));
  return { top: await realpath(top), gitDirectory, objectDirectory, signal };
}

function outsideOfCheckout(directory: string, reason: string): UserError {
  if (!/not a git repository|no work tree/.test(reason))
    return new UserError(`git cannot read ${directory}: ${reason}`);
  return new UserError(`${directory} is not in a git checkout`, {
    hint: "the swarm gets the project's code by its commit; make a repository with: git init && git add -A && git commit",
  });
}

/**
 * The commit that is checked out.
 * @throws {UserError} where there is none yet.
 */
export async function headCommit({ top, signal }: Checkout): Promise<string> {
  const explain = (): UserError =>
    new UserError(`${top} has no commit yet`, { hint: "commit your files first: git add -A && git commit" });
  const question = ["rev-parse", "--verify", "--end-of-options", "HEAD^{commit}"];
  return (await ask(question, { cwd: top, signal, explain })).trim();
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

/** @throws {UserError} also where git is missing, or does not answer in time, as on a disk that is away. */
async function ask(command: readonly string[], options: GitOptions): Promise<string> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const signal = options.signal === undefined ? limit : AbortSignal.any([options.signal, limit]);
  try {
    return await git(command, { ...options, signal });
  } catch (error) {
    if (errorCode((error as Error).cause) === "ENOENT")
      throw new UserError("git: command not found", { hint: "install git", cause: error });
    if (!limit.aborted || options.signal?.aborted) throw error;
    throw new UserError(`git ${command[0]!} does not answer in ${options.cwd}`, { cause: error });
  }
}

/** Whether a repository has a commit; nothing is fetched for the answer. @param commit a full hash. */
export async function hasCommit({ top, signal }: Checkout, commit: string): Promise<boolean> {
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) return false;
  const env = { GIT_NO_LAZY_FETCH: "1" };
  const { exitCode } = await tryGit(["cat-file", "-e", `${commit}^{commit}`], { cwd: top, env, signal });
  return exitCode === 0;
}
