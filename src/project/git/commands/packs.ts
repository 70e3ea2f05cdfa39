import { runProgram } from "../../../system/program.ts";
import { successful, type GitOptions } from "./ask.ts";
import { localEnvironment } from "./environment.ts";
import { QUIET } from "./settings.ts";

// A pack may not fit into memory, so git itself reads and writes the file. simple-git cannot pass file descriptors on.

/**
 * Writes a pack with a commit and all objects that a base lacks, as `git push` would send it.
 * @param base a commit; undefined to write all objects.
 * @param to file descriptor of the pack file.
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
 * @param from file descriptor of the pack file.
 * @returns the reason if this fails: the pack is damaged, or objects on which it builds are missing.
 */
export async function unpack(from: number, { cwd, signal }: GitOptions): Promise<string | undefined> {
  const command = [...QUIET, "index-pack", "--stdin", "--fix-thin"];
  const env = localEnvironment();
  const { exitCode, stderr } = await runProgram("git", command, { cwd, env, inputFrom: from, signal });
  return exitCode === 0 ? undefined : stderr.trim();
}
