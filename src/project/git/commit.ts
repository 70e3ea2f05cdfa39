import * as v from "valibot";
import { UserError } from "../../errors.ts";
import { HashSchema } from "../../model/git-names.ts";
import type { Checkout, TreeEntry } from "./git.ts";
import { FETCH_NOTHING } from "./plumbing.ts";

const TIMEOUT_MS = 60_000;

/**
 * Returns the full hash of a commit.
 * @param ref as typed by the user: a hash, branch, tag, `HEAD~2`.
 * @throws {UserError} if there is no such commit.
 */
export async function resolveCommit(checkout: Checkout, ref: string): Promise<string> {
  const question = ["rev-parse", "--verify", "--end-of-options", `${ref}^{commit}`];
  const explain = (): UserError =>
    new UserError(`no commit ${ref} in ${checkout.top}`, {
      hint: "list commits with: git log --oneline --all",
    });
  const answer = (await ask(checkout, question, FETCH_NOTHING, explain)).trim();
  if (!v.is(HashSchema, answer)) throw explain(); // such as `^main`, which excludes a commit
  return answer;
}

/**
 * Returns all files of a commit, in git's order.
 * @param env of a git process that sees the commit through a separate git directory.
 */
export async function listTree(
  checkout: Checkout,
  commit: string,
  env: NodeJS.ProcessEnv = {},
): Promise<TreeEntry[]> {
  const command = ["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit];
  const output = await ask(checkout, command, { ...FETCH_NOTHING, ...env });
  return parseTree(output);
}

/** Parses the output of `git ls-tree -z`. */
export function parseTree(output: string): TreeEntry[] {
  return output.split("\0").flatMap((line) => {
    const match = /^(\d+) \w+ ([0-9a-f]+)\t(.*)$/s.exec(line);
    return match ? [{ mode: match[1]!, object: match[2]!, path: match[3]! }] : [];
  });
}

/**
 * Runs git by simple-git. It is loaded only if the user names
 * a commit, because loading takes longer than the command.
 */
async function ask(
  { top, signal }: Checkout,
  command: string[],
  env: NodeJS.ProcessEnv,
  explain?: (reason: string) => UserError,
): Promise<string> {
  const { simpleGit, GitError, GitPluginError } = await import("simple-git");
  const git = simpleGit({
    baseDir: top,
    timeout: { block: TIMEOUT_MS },
    allowEnvironment: Object.keys(env),
    unsafe: { allowUnsafeConfigPaths: true },
    ...(signal && { abort: signal }),
  }).env({ ...gitVariables(), ...env });
  try {
    return await git.raw(command);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    if (error instanceof GitPluginError && error.plugin === "abort")
      throw new DOMException("git was interrupted", "AbortError");
    throw (
      explain?.(error.message) ??
      new UserError(`git ${command[0]!}: ${error.message.trim()}`, { cause: error })
    );
  }
}

/** Returns the variables that git needs to find its programs and the user's configuration. */
function gitVariables(): NodeJS.ProcessEnv {
  const names = ["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR"];
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}
