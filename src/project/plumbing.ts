import { UserError } from "../errors.ts";
import { runProgram } from "../system/program.ts";

/** Where git works and what it is told beyond its arguments. */
export interface GitOptions {
  cwd: string;
  env?: NodeJS.ProcessEnv;
  input?: string;
  /** File descriptors instead of text. */
  inputFrom?: number;
  outputTo?: number;
  signal?: AbortSignal | undefined;
  /** What to say where git fails; the default shows git's own words. */
  explain?: (reason: string) => Error;
}

/**
 * What git must never do on its own: ask for a password, wait for an unknown host key, refresh an index that
 * is not ours, start a helper process, open an editor.
 */
export function quietGit(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return {
    ...env,
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "true",
    SSH_ASKPASS: "true",
    SSH_ASKPASS_REQUIRE: "never",
    GIT_SSH_COMMAND: `${env["GIT_SSH_COMMAND"] ?? "ssh"} -o BatchMode=yes -o ConnectTimeout=10`,
    GIT_OPTIONAL_LOCKS: "0",
    GIT_EDITOR: "true",
    LC_ALL: "C",
  };
}

/**
 * Runs a git command and returns what it prints.
 * @throws {UserError} with git's own words.
 */
export async function git(args: readonly string[], options: GitOptions): Promise<string> {
  const { exitCode, stdout, stderr } = await tryGit(args, options);
  if (exitCode === 0) return stdout;
  const reason = stderr.trim() || stdout.trim() || `exit code ${exitCode}`;
  throw options.explain?.(reason) ?? new UserError(`git ${args[0]!}: ${reason}`);
}

/** The same where a failure is an answer. */
export async function tryGit(args: readonly string[], options: GitOptions) {
  const { explain: _, ...rest } = options;
  return await runProgram("git", args, { ...rest, env: { ...quietGit(), ...options.env } });
}

/** Splits what git prints with `-z`. */
export function splitNul(output: string): string[] {
  return output.split("\0").filter((part) => part !== "");
}
