import { answerTo, ask, type CommandOptions } from "./ask.ts";

/** Time limit for questions that git answers immediately, unless a disk does not respond. */
const TIMEOUT_MS = 60_000;

/**
 * Returns the paths that locate the repository of a folder: its top level, its git directory, and files in
 * the git directory, whose paths may be relative to the folder.
 * @param files names of the files in the git directory.
 */
export async function locateRepository(files: readonly string[], options: CommandOptions): Promise<string[]> {
  const paths = files.flatMap((file) => ["--git-path", file]);
  const command = ["rev-parse", "--show-toplevel", "--absolute-git-dir", ...paths];
  const answer = await ask(command, { timeoutMs: TIMEOUT_MS, ...options });
  return answer.replace(/\n$/, "").split("\n");
}

/** Returns the hash of a named object: `HEAD^{commit}`, `main~2^{tree}`. A name is never taken for an option. */
export async function hashOf(name: string, options: CommandOptions): Promise<string> {
  const command = ["rev-parse", "--verify", "--end-of-options", name];
  return (await ask(command, { timeoutMs: TIMEOUT_MS, ...options })).trim();
}

/** Maximum number of branches and tags to read: users choose from them. */
const MOST_REFS = 1000;

/** Returns the branches and tags of a repository by their short names, the latest first. @see git-for-each-ref(1). */
export async function branchesAndTags(options: CommandOptions): Promise<string[]> {
  const command = [
    ...["for-each-ref", "--format=%(refname:short)", "--sort=-creatordate", `--count=${MOST_REFS}`],
    ...["refs/heads", "refs/tags", "refs/remotes"],
  ];
  return (await ask(command, options)).split("\n").filter((name) => name !== "");
}

/** Returns whether a repository has an object. @param name a full hash, or an expression with one: `HASH^{tree}`. */
export async function hasObject(name: string, options: CommandOptions): Promise<boolean> {
  return (await answerTo(["cat-file", "-e", name], options)).exitCode === 0;
}

/** Returns whether a repository has all objects that a commit needs. @see git-fsck(1) --connectivity-only. */
export async function isConnected(commit: string, options: CommandOptions): Promise<boolean> {
  const command = ["fsck", "--connectivity-only", "--no-dangling", "--no-progress", commit];
  return (await answerTo(command, options)).exitCode === 0;
}

/** Returns whether objects of a tree are missing, as in a partial clone. @see git-rev-list(1) --missing. */
export async function hasMissingObjects(tree: string, options: CommandOptions): Promise<boolean> {
  const command = ["rev-list", "--objects", "--missing=print", "--end-of-options", tree];
  return /^\?/m.test(await ask(command, options));
}

/**
 * Returns the trees of a commit and of its first-parent ancestors, the nearest first.
 * @param count maximum number of trees.
 */
export async function treesOfHistory(
  commit: string,
  count: number,
  options: CommandOptions,
): Promise<string[]> {
  const command = ["rev-list", `--max-count=${count}`, "--first-parent", "--format=%T", commit];
  const lines = (await ask(command, options)).trim().split("\n");
  return lines.filter((line) => !line.startsWith("commit "));
}

/** Returns the hashes that belong to commits of the repository. */
export async function commitsAmong(hashes: readonly string[], options: CommandOptions): Promise<string[]> {
  const input = `${hashes.join("\n")}\n`;
  const answer = await ask(["cat-file", "--batch-check"], { ...options, input });
  return [...answer.matchAll(/^([0-9a-f]+) commit \d+$/gm)].map((match) => match[1]!);
}

/**
 * Returns the given commit, or its nearest ancestor, that is in the history of one of the heads; undefined if
 * there is none. @see git-rev-list(1) --boundary.
 */
export async function nearestCommit(
  commit: string,
  heads: readonly string[],
  options: CommandOptions,
): Promise<string | undefined> {
  const command = ["rev-list", "--boundary", "--topo-order", "--stdin"];
  const input = `${commit}\n${heads.map((head) => `^${head}\n`).join("")}`;
  const lines = (await ask(command, { ...options, input })).split("\n").filter((line) => line !== "");
  if (lines.every((line) => line.startsWith("-")) || lines.length === 0) return commit;
  return lines.find((line) => line.startsWith("-"))?.slice(1);
}
