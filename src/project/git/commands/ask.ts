import type { SimpleGit, SimpleGitOptions } from "simple-git";
import { UserError } from "../../../errors.ts";
import type { ProgramResult } from "../../../system/program.ts";
import { unlessAborted } from "../../../system/unless-aborted.ts";
import { localEnvironment } from "./environment.ts";
import { GitNotStarted } from "./not-started.ts";

/** Working directory, environment and limits of a git command. */
export interface GitOptions {
  cwd: string;
  /** Variables in addition to those of `localEnvironment`, over which they take precedence. */
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  /** Time limit for the command; undefined for none. */
  timeoutMs?: number;
  /** Returns the error to throw if the command fails; by default, a `UserError` with git's message. */
  explain?: (reason: string) => Error;
}

/** A safety check of simple-git, named by the option that disables it. */
export type Guard = keyof NonNullable<SimpleGitOptions["unsafe"]>;

export interface CommandOptions extends GitOptions {
  /** Text for the standard input of git. */
  input?: string;
  /** Safety checks to disable, in addition to that of variables which name configuration files. */
  permits?: readonly Guard[];
}

/**
 * Returns what a git command prints.
 * @throws {UserError} with git's message if the command fails, or the error that `explain` returns.
 */
export async function ask(command: readonly string[], options: CommandOptions): Promise<string> {
  return successful(command, await answerTo(command, options), options);
}

/** Returns the exit code and output of a git command. A non-zero exit code is a result, not an error. */
export async function answerTo(command: readonly string[], options: CommandOptions): Promise<ProgramResult> {
  return await execute(command, options, async (git) => await git.raw([...command]));
}

/** Returns what `git cat-file` prints, with one character for each byte (Latin-1). */
export async function askForBytes(args: readonly string[], options: CommandOptions): Promise<string> {
  const command = ["cat-file", ...args];
  const read = async (git: SimpleGit): Promise<string> =>
    ((await git.binaryCatFile([...args])) as Buffer).toString("latin1");
  return successful(command, await execute(command, options, read), options);
}

/**
 * Returns the standard output of a command that has succeeded.
 * @throws the error that `explain` returns, by default a `UserError` with git's message, if it has failed.
 */
export function successful(
  command: readonly string[],
  { exitCode, stdout, stderr }: ProgramResult,
  { explain }: Pick<GitOptions, "explain">,
): string {
  if (exitCode === 0) return stdout;
  const reason = stderr.trim() || stdout.trim() || `exit code ${exitCode}`;
  throw explain?.(reason) ?? new UserError(`git ${command[0]!}: ${reason}`);
}

/** Exit code that Node.js reports for a program that does not exist: ENOENT, negated. */
const NOT_FOUND = -2;

/**
 * Runs one command in its own instance of simple-git, because the commands of one instance wait for each
 * other. simple-git is loaded with the first command, because most invocations of our tools do not need git.
 */
async function execute(
  command: readonly string[],
  options: CommandOptions,
  start: (git: SimpleGit) => Promise<string>,
): Promise<ProgramResult> {
  const { cwd, timeoutMs, signal: wanted } = options;
  wanted?.throwIfAborted();
  const { simpleGit, GitConstructError, GitPluginError } = await import("simple-git");
  const limit = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const signals = [wanted, limit].filter((each) => each !== undefined);
  const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
  const end = { exitCode: -1, stderr: "" };
  try {
    const git = simpleGit({
      ...settings(options),
      ...(signal && { abort: signal }),
      errors: (error, { exitCode, stdErr }: { exitCode: number | null; stdErr: Buffer[] }) => {
        Object.assign(end, { exitCode: exitCode ?? -1, stderr: Buffer.concat(stdErr).toString() });
        return error instanceof GitPluginError ? error : undefined; // a non-zero exit code is a result
      },
    });
    const stdout = await unlessAborted(start(git.env(variables(options)).outputHandler(endSilence)), signal);
    return started({ ...end, stdout });
  } catch (error) {
    if (wanted?.aborted) throw new DOMException("git was interrupted", "AbortError");
    if (limit?.aborted) throw new UserError(`git ${command[0]!} prints nothing in ${cwd}`, { cause: error });
    if (error instanceof GitConstructError)
      throw new GitNotStarted(`${cwd} is not a folder`, { cause: error });
    if (!(error instanceof GitPluginError)) throw error;
    return { exitCode: -1, stdout: "", stderr: error.message }; // simple-git has refused the command
  }
}

function variables({ env }: CommandOptions): NodeJS.ProcessEnv {
  return { ...localEnvironment(), ...env };
}

function settings(options: CommandOptions): Partial<SimpleGitOptions> {
  const { cwd, input = "", permits = [] } = options;
  const guards: readonly Guard[] = ["allowUnsafeConfigPaths", ...permits];
  return {
    baseDir: cwd,
    allowEnvironment: Object.keys(variables(options)),
    unsafe: Object.fromEntries(guards.map((guard) => [guard, true])),
    completion: { onClose: true, onExit: false }, // on exit, some output may be unread
    input: () => Buffer.from(input), // even if it is empty: this closes standard input
  };
}

/** Emits an empty chunk at the end of the output, because simple-git waits for another 50 ms if git prints nothing. */
function endSilence(_program: string, stdout: NodeJS.ReadableStream): void {
  stdout.once("end", () => stdout.emit("data", Buffer.alloc(0)));
}

/**
 * Returns the result of a command, unless git could not be started: simple-git reports the reason as output
 * of git.
 * @throws {GitNotStarted} if git could not be started.
 */
function started(result: ProgramResult): ProgramResult {
  if (result.exitCode === NOT_FOUND)
    throw new GitNotStarted("git: command not found", { hint: "install git" });
  if (result.exitCode < 0 && result.stderr.startsWith("Error: spawn"))
    throw new GitNotStarted(`cannot start git: ${result.stderr.split("\n", 1)[0]!}`);
  return result;
}
