import { answerTo, ask, type CommandOptions } from "./ask.ts";

/** Everything else is answered at once: a longer time means that a disk does not respond. */
const TIMEOUT_MS = 60_000;

/**
 * Returns the lines with which git says where the repository of a folder is: the top level, the git directory, and the
 * paths of these files of the git directory, which may be relative to the folder.
 */
export async function locateRepository(files: readonly string[], options: CommandOptions): Promise<string[]> {
  const paths = files.flatMap((file) => ["--git-path", file]);
  const command = ["rev-parse", "--show-toplevel", "--absolute-git-dir", ...paths];
  const answer = await ask(command, { timeoutMs: TIMEOUT_MS, ...options });
  return answer.replace(/\n$/, "").split("\n");
}

/** Returns the hash of what is named: `HEAD^{commit}`, `main~2^{tree}`. A name never passes for an option. */
export async function hashOf(name: string, options: CommandOptions): Promise<string> {
  const command = ["rev-parse", "--verify", "--end-of-options", name];
  return (await ask(command, { timeoutMs: TIMEOUT_MS, ...options })).trim();
}

/** Whether a repository has an object. @param name a full hash, or what it leads to: `HASH^{tree}`. */
export async function hasObject(name: string, options: CommandOptions): Promise<boolean> {
  return (await answerTo(["cat-file", "-e", name], options)).exitCode === 0;
}

/** Whether all objects that a commit needs are there. @see git-fsck(1) --connectivity-only. */
export async function isConnected(commit: string, options: CommandOptions): Promise<boolean> {
  const command = ["fsck", "--connectivity-only", "--no-dangling", "--no-progress", commit];
  return (await answerTo(command, options)).exitCode === 0;
}

/** Whether objects of a tree are missing, as in a partial clone. @see git-rev-list(1) --missing. */
export async function hasMissingObjects(tree: string, options: CommandOptions): Promise<boolean> {
  const command = ["rev-list", "--objects", "--missing=print", "--end-of-options", tree];
  return /^\?/m.test(await ask(command, options));
}

/** Returns the trees of a commit and of those before it, the nearest first. */
export async function treesOfHistory(
  commit: string,
  count: number,
  options: CommandOptions,
): Promise<string[]> {
  const command = ["rev-list", `--max-count=${count}`, "--first-parent", "--format=%T", commit];
  const lines = (await ask(command, options)).trim().split("\n");
  return lines.filter((line) => !line.startsWith("commit "));
}

/** Returns those of the hashes that are commits of the repository. */
export async function commitsAmong(hashes: readonly string[], options: CommandOptions): Promise<string[]> {
  const input = `${hashes.join("\n")}\n`;
  const answer = await ask(["cat-file", "--batch-check"], { ...options, input });
  return [...answer.matchAll(/^([0-9a-f]+) commit \d+$/gm)].map((match) => match[1]!);
}

/**
 * Returns the nearest commit, the given one or one before it, that is in the history of one of the heads; undefined if
 * none is. @see git-rev-list(1) --boundary.
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
