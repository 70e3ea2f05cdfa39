import { ask, type CommandOptions } from "./ask.ts";

/** Replaces the content of the index that the environment names with the files of a commit. */
export async function readTree(commit: string, options: CommandOptions): Promise<void> {
  await ask(["read-tree", commit], options);
}

/** Writes files of the index that the environment names, overwriting existing ones. @param files undefined for all. */
export async function checkOutIndex(
  files: readonly string[] | undefined,
  options: CommandOptions,
): Promise<void> {
  const which = files === undefined ? ["--all"] : ["-z", "--stdin"];
  const input = files?.join("\0") ?? "";
  await ask(["checkout-index", "--force", "--quiet", ...which], { ...options, input });
}

/** Adds entries to the index that the environment names. */
export async function addToIndex(
  entries: readonly { mode: string; object: string; stage: number; path: string }[],
  options: CommandOptions,
): Promise<void> {
  const input = entries.map((each) => `${each.mode} ${each.object} ${each.stage}\t${each.path}\0`).join("");
  await ask(["update-index", "-z", "--index-info"], { ...options, input });
}
