import { runProgram } from "../../../system/program.ts";
import { successful, type GitOptions } from "./ask.ts";
import { localEnvironment } from "./environment.ts";
import { QUIET } from "./settings.ts";

// Packs may be larger than the memory. So git reads and writes their files itself: simple-git takes no file descriptors.

/**
 * Writes a commit, and all that it has beyond another one, to a file, as `git push` would send it.
 * @param base undefined for everything.
 * @param to a file descriptor.
 * @see git-pack-objects(1) --revs, --thin.
 */
export async function writePack(
  { commit, base, to }: { commit: string; base: string | undefined; to: number },
  options: GitOptions,
): Promise<void> {
  const { cwd, env, signal } = options;
  const command = ["pack-objects", "--revs", "--thin", "--stdout", "--quiet", "--delta-base-offset"];
  const input = `${commit}\n${base === undefined ? "" : `^${base}\n`}`;
  const own = { ...localEnvironment(), ...env };
  const result = await runProgram("git", command, { cwd, env: own, input, outputTo: to, signal });
  successful(command, result, options);
}

/**
 * Adds the objects of a pack to a repository.
 * @param from a file descriptor.
 * @returns why that is not possible: the pack is damaged, or objects that it builds on are missing.
 */
export async function unpack(from: number, { cwd, signal }: GitOptions): Promise<string | undefined> {
  const command = [...QUIET, "index-pack", "--stdin", "--fix-thin"];
  const env = localEnvironment();
  const { exitCode, stderr } = await runProgram("git", command, { cwd, env, inputFrom: from, signal });
  return exitCode === 0 ? undefined : stderr.trim();
}
