import type { SimpleGit, SimpleGitOptions } from "simple-git";
import { UserError } from "../../../errors.ts";
import type { ProgramResult } from "../../../system/program.ts";
import { unlessAborted } from "../../../system/unless-aborted.ts";
import { localEnvironment } from "./environment.ts";

/** Where git works, and what it is told besides its arguments. */
export interface GitOptions {
  cwd: string;
  /** Variables besides those of `localEnvironment`. */
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  /** Longest time that the answer may take; undefined for no limit. */
  timeoutMs?: number;
  /** Returns the error for a command that fails; by default it has git's own words. */
  explain?: (reason: string) => Error;
}

/** What simple-git refuses unless it is told that it is meant. */
export type Guard = keyof NonNullable<SimpleGitOptions["unsafe"]>;

export interface CommandOptions extends GitOptions {
  /** What git reads from its standard input. */
  input?: string;
  /** What the command needs of what simple-git refuses, besides configuration files that variables name. */
  permits?: readonly Guard[];
}

/**
 * Asks git and returns what it prints.
 * @throws {UserError} with git's own words if it fails.
 */
export async function ask(command: readonly string[], options: CommandOptions): Promise<string> {
  return successful(command, await answerTo(command, options), options);
}

/** Asks git where a failing exit code is an answer, too. */
export async function answerTo(command: readonly string[], options: CommandOptions): Promise<ProgramResult> {
  return await execute(command, options, async (git) => await git.raw([...command]));
}

/** Returns what `git cat-file` prints, with one character for each byte. */
export async function askForBytes(args: readonly string[], options: CommandOptions): Promise<string> {
  const command = ["cat-file", ...args];
  const read = async (git: SimpleGit): Promise<string> =>
    ((await git.binaryCatFile([...args])) as Buffer).toString("latin1");
  return successful(command, await execute(command, options, read), options);
}

/** @throws what the caller says of a failure, else git's own words. */
export function successful(
  command: readonly string[],
  { exitCode, stdout, stderr }: ProgramResult,
  { explain }: Pick<GitOptions, "explain">,
): string {
  if (exitCode === 0) return stdout;
  const reason = stderr.trim() || stdout.trim() || `exit code ${exitCode}`;
  throw explain?.(reason) ?? new UserError(`git ${command[0]!}: ${reason}`);
}

/** How `spawn` fails if there is no such program, as a negative exit code. */
const NOT_FOUND = -2;

/**
 * Runs one command, with an instance of simple-git of its own: the commands of one instance wait for each other.
 * simple-git is loaded with the first command, because most calls of our tools need none.
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
        return error instanceof GitPluginError ? error : undefined; // a failing exit code is an answer
      },
    });
    const stdout = await unlessAborted(start(git.env(variables(options)).outputHandler(endSilence)), signal);
    return started({ ...end, stdout });
  } catch (error) {
    if (wanted?.aborted) throw new DOMException("git was interrupted", "AbortError");
    if (limit?.aborted) throw new UserError(`git ${command[0]!} prints nothing in ${cwd}`, { cause: error });
    if (error instanceof GitConstructError) throw new UserError(`${cwd} is not a folder`, { cause: error });
    if (!(error instanceof GitPluginError)) throw error;
    return { exitCode: -1, stdout: "", stderr: error.message }; // simple-git refuses the command
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
    completion: { onClose: true, onExit: false }, // when git exits, not all that it printed has been read
    input: () => Buffer.from(input), // an empty one, too: it closes the standard input
  };
}

/** simple-git waits another 50 ms after a command that has printed nothing; an empty piece of output prevents that. */
function endSilence(_program: string, stdout: NodeJS.ReadableStream): void {
  stdout.once("end", () => stdout.emit("data", Buffer.alloc(0)));
}

/** @throws {UserError} if git was not started: simple-git then has the reason as what git printed. */
function started(result: ProgramResult): ProgramResult {
  if (result.exitCode === NOT_FOUND) throw new UserError("git: command not found", { hint: "install git" });
  if (result.exitCode < 0 && result.stderr.startsWith("Error: spawn"))
    throw new UserError(`cannot start git: ${result.stderr.split("\n", 1)[0]!}`);
  return result;
}
