import { answerTo, ask, type CommandOptions } from "./ask.ts";

export interface TreeEntry {
  mode: string;
  object: string;
  path: string;
}

/** Returns all files of a commit or tree, in git's order. */
export async function filesOfTree(tree: string, options: CommandOptions): Promise<TreeEntry[]> {
  const output = await ask(["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", tree], options);
  return output.split("\0").flatMap((line) => {
    const match = /^(\d+) \w+ ([0-9a-f]+)\t(.*)$/s.exec(line);
    return match ? [{ mode: match[1]!, object: match[2]!, path: match[3]! }] : [];
  });
}

/** Returns the hashes of the trees of all folders in a commit. */
export async function treesOfFolders(commit: string, options: CommandOptions): Promise<Set<string>> {
  const output = await ask(["ls-tree", "-r", "-d", "-z", "--full-tree", commit], options);
  return new Set(splitNul(output).flatMap((line) => /^\d+ tree (\w+)\t/.exec(line)?.[1] ?? []));
}

/** Returns the files in which two trees differ. */
export async function changedFiles(one: string, other: string, options: CommandOptions): Promise<string[]> {
  return splitNul(await ask(["diff-tree", "-r", "-z", "--name-only", "--no-renames", one, other], options));
}

/**
 * Returns what git prints about the entries of an index. @see git-ls-files(1) --debug, --sparse.
 * @param sparse list the folders that a sparse checkout leaves out as folders.
 */
export async function printIndex(options: CommandOptions, sparse = false): Promise<string> {
  const [settings, option] = sparse ? [SPARSE, ["--sparse"]] : [[], []];
  return await ask([...settings, "ls-files", "--stage", "--debug", ...option, "-z"], options);
}

/** Without these settings, git expands a sparse index when it reads it. */
const SPARSE = [
  "core.sparseCheckout=true",
  "core.sparseCheckoutCone=true",
  "index.sparse=true",
  "sparse.expectFilesOutsideOfPatterns=true",
].flatMap((setting) => ["-c", setting]);

/**
 * Returns the files that are not in the index, and the folders that cannot be searched, each with the reason.
 * @param which exclude patterns, and paths after `--`.
 * @throws the error that `explain` returns.
 */
export async function otherFiles(
  which: readonly string[],
  { explain, ...options }: CommandOptions & { explain: (reason: string) => Error },
): Promise<{ files: string[]; closed: { folder: string; reason: string }[] }> {
  const answer = await answerTo(["ls-files", "--others", "-z", ...which], options);
  if (answer.exitCode !== 0) throw explain(answer.stderr.trim());
  const closed = [...answer.stderr.matchAll(/could not open directory '(.+)\/': (.+)/g)];
  return {
    files: splitNul(answer.stdout),
    closed: closed.map(([, folder, reason]) => ({ folder: folder!, reason: reason! })),
  };
}

/** Returns whether a repository tracks anything below a folder; undefined if git fails. */
export async function isTracked(folder: string, options: CommandOptions): Promise<boolean | undefined> {
  const { exitCode, stdout } = await answerTo(["ls-files", "-z", "--", folder], options);
  return exitCode === 0 ? stdout !== "" : undefined;
}

/** Returns whether ignore patterns of the repository or the user match a file or folder. */
export async function isIgnored(file: string, options: CommandOptions): Promise<boolean> {
  return (await answerTo(["check-ignore", "-q", "--", file], options)).exitCode === 0;
}

/** Returns the entries of an output with `-z`, in which each entry ends in a NUL character. */
export function splitNul(output: string): string[] {
  return output.split("\0").filter((part) => part !== "");
}
