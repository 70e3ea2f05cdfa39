import { UserError } from "../../errors.ts";
import { runProgram } from "../../system/program.ts";

/** Where git works and what it is told beyond its arguments. */
export interface GitOptions {
  cwd: string;
  env?: NodeJS.ProcessEnv;
  input?: string;
  /** File descriptors instead of text. */
  inputFrom?: number;
  outputTo?: number;
  /** Returns what it prints with one character for each byte. */
  bytes?: boolean;
  signal?: AbortSignal | undefined;
  /** What to say where git fails; the default shows git's own words. */
  explain?: (reason: string) => Error;
}

/** The variables of git that count: how a connection is made, and where git's own programs are. */
const KEPT = /^GIT_(?:SSH|SSH_COMMAND|SSH_VARIANT|PROXY_COMMAND|EXEC_PATH)$|^GIT_(?:SSL|HTTP|PROXY_SSL)_/;

/**
 * An environment without the variables by which a hook, an alias or `git rebase --exec` tells git which
 * repository, index, objects, configuration or attributes to use.
 * @see git(1), "Environment Variables".
 */
function withoutRepository(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const entries = Object.entries(env);
  return Object.fromEntries(entries.filter(([name]) => !name.startsWith("GIT_") || KEPT.test(name)));
}

/**
 * Prevents git from fetching, also what a partial clone lacks. Git 2.45 and later know the first variable;
 * before, no protocol is allowed by which anything could be fetched.
 */
export const FETCH_NOTHING = { GIT_NO_LAZY_FETCH: "1", GIT_ALLOW_PROTOCOL: "none" };

/** The protocols by which everybody can read a repository. */
export const PUBLIC_PROTOCOLS = ["http", "https", "git"];

/**
 * Lets one command fetch, by these protocols and with the configuration files that the user's environment names.
 * Never by `ext::`, which runs a command.
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
 * What git must never do on its own: ask for a password, wait for an unknown host key, refresh an index that
 * is not ours, fetch, start a helper process, open an editor.
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
