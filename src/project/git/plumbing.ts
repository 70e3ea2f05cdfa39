import { UserError } from "../../errors.ts";
import { runProgram } from "../../system/program.ts";

/** Options of a git process in addition to its arguments. */
export interface GitOptions {
  cwd: string;
  env?: NodeJS.ProcessEnv;
  input?: string;
  /** File descriptors to use instead of text. */
  inputFrom?: number;
  outputTo?: number;
  /** Decode the output with one character for each byte. */
  bytes?: boolean;
  signal?: AbortSignal | undefined;
  /** Returns the error to throw if git fails; the default has git's own message. */
  explain?: (reason: string) => Error;
}

/** Variables of git to keep: how a connection is made, and where git's own programs are. */
const KEPT = /^GIT_(?:SSH|SSH_COMMAND|SSH_VARIANT|PROXY_COMMAND|EXEC_PATH)$|^GIT_(?:SSL|HTTP|PROXY_SSL)_/;

/**
 * Returns an environment without the variables by which a hook, an alias or `git rebase --exec` tells git
 * which repository, index, objects, configuration or attributes to use.
 * @see git(1), "Environment Variables".
 */
function withoutRepository(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const entries = Object.entries(env);
  return Object.fromEntries(entries.filter(([name]) => !name.startsWith("GIT_") || KEPT.test(name)));
}

/**
 * Variables that prevent git from fetching, even what a partial clone lacks. Git 2.45 and later know the
 * first one; in earlier versions, no protocol for fetching is allowed.
 */
export const FETCH_NOTHING = { GIT_NO_LAZY_FETCH: "1", GIT_ALLOW_PROTOCOL: "none" };

/** Protocols by which everybody can read a public repository. */
export const PUBLIC_PROTOCOLS = ["http", "https", "git"];

/**
 * Returns an environment that lets one command fetch, by some protocols and with the configuration files that
 * the user's environment names. Never by `ext::`, which runs a command.
 */
export function fetchingBy(protocols: readonly string[]): NodeJS.ProcessEnv {
  const names = ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"];
  const files = names.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(files), GIT_ALLOW_PROTOCOL: protocols.join(":") };
}

/**
 * Returns an environment in which git does nothing on its own: ask for a password, wait for an unknown host
 * key, refresh an index that is not ours, fetch, start a helper process, open an editor.
 */
export function quietGit(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return {
    ...withoutRepository(env),
    ...FETCH_NOTHING,
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
 * Runs a git command and returns its output.
 * @throws {UserError} with git's message, or as `explain` returns it.
 */
export async function git(args: readonly string[], options: GitOptions): Promise<string> {
  const { exitCode, stdout, stderr } = await tryGit(args, options);
  if (exitCode === 0) return stdout;
  const reason = stderr.trim() || stdout.trim() || `exit code ${exitCode}`;
  throw options.explain?.(reason) ?? new UserError(`git ${args[0]!}: ${reason}`);
}

/** Runs a git command and returns its output and exit code; a failing exit code is a result, not an error. */
export async function tryGit(args: readonly string[], options: GitOptions) {
  const { explain: _, ...rest } = options;
  return await runProgram("git", args, { ...rest, env: { ...quietGit(), ...options.env } });
}

/** Splits the output of git with `-z`. */
export function splitNul(output: string): string[] {
  return output.split("\0").filter((part) => part !== "");
}
