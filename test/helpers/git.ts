import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { lstat, mkdir, readFile, readdir, readlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { removeDirectory, temporaryDirectory } from "./temporary.ts";

/** Git without any user configuration, in an environment that names no repository. */
export const gitEnvironment: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_"))),
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "A Tester",
  GIT_AUTHOR_EMAIL: "tester@example.org",
  GIT_COMMITTER_NAME: "A Tester",
  GIT_COMMITTER_EMAIL: "tester@example.org",
};

export interface Repository extends AsyncDisposable {
  /** The top level, absolute, without symbolic links. */
  path: string;
  /** Runs git in the repository. @returns what it prints, without the newline at its end. */
  git(...args: string[]): Promise<string>;
  /** Writes files, by their paths within the repository, and their folders. */
  write(files: Record<string, string>): Promise<void>;
  /** Writes files and commits everything that is not ignored. @returns the commit's hash. */
  commit(files?: Record<string, string>, message?: string): Promise<string>;
  /** Every file, in the work tree and in `.git`, with its mode, times and content; without `results`. */
  everything(): Promise<Map<string, string>>;
}

/**
 * A repository with these files in its first commit, on branch `main`; removed at the end of the block.
 * @param place a folder that does not exist yet; by default a temporary one.
 */
export async function makeRepository(
  files: Record<string, string> = { "README.md": "a test\n" },
  place?: string,
): Promise<Repository> {
  const top = place ?? (await temporaryDirectory("swarm-git-")).path;
  await mkdir(top, { recursive: true });
  const git = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)("git", args, { cwd: top, env: gitEnvironment });
    return stdout.replace(/\n$/, "");
  };
  const write = async (contents: Record<string, string>): Promise<void> => {
    for (const [name, content] of Object.entries(contents)) {
      await mkdir(path.join(top, path.dirname(name)), { recursive: true });
      await writeFile(path.join(top, name), content);
    }
  };
  const commit = async (contents: Record<string, string> = {}, message = "Change"): Promise<string> => {
    await write(contents);
    await git("add", "--all");
    await git("commit", "--quiet", "--allow-empty", `--message=${message}`);
    return git("rev-parse", "HEAD");
  };
  await git("init", "--quiet", "--initial-branch=main");
  await commit(files, "First commit");
  const everything = (): Promise<Map<string, string>> => describeFiles(top);
  return { path: top, git, write, commit, everything, [Symbol.asyncDispose]: () => removeDirectory(top) };
}

/** Attributes that show that nobody has modified a file below a directory. */
export async function describeFiles(top: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(top, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    const name = path.relative(top, file);
    if (name.split(path.sep).includes("results")) continue;
    const { mode, mtimeNs, ino } = await lstat(file, { bigint: true });
    const content = entry.isFile()
      ? createHash("sha256")
          .update(await readFile(file))
          .digest("hex")
      : entry.isSymbolicLink()
        ? await readlink(file)
        : "";
    const isPlace = entry.isDirectory() && !name.startsWith(".git"); // results may appear in it
    found.set(name, `${mode.toString(8)} ${isPlace ? "" : mtimeNs} ${ino} ${content}`);
  }
  return found;
}
