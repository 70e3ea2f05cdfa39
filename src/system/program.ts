import {
  execFileSync,
  spawn,
  type ChildProcess,
  type ChildProcessWithoutNullStreams,
  type StdioOptions,
} from "node:child_process";
import { access, constants, open, stat } from "node:fs/promises";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { errorCode, UserError } from "../errors.ts";

// The only module that starts programs, except for the git commands that simple-git starts (see project/git/commands).
// execa executes the steps of a build. Loading it takes as long as executing a short program, so node:child_process
// starts everything else: what clients execute during their start, programs to which file descriptors are passed, that
// lead a process group, outlive this process, or have streams of which either side may end first, and programs that are
// executed synchronously.

export type { ChildProcess, StdioOptions };

export interface ProgramOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  input?: string;
  /** File descriptor to which the program's standard output goes; `stdout` of the result is then empty. */
  outputTo?: number;
  /** File descriptor from which the program reads, instead of `input`. */
  inputFrom?: number;
  /** Returns one character for each byte of the output (Latin-1) instead of decoding UTF-8. */
  bytes?: boolean;
  signal?: AbortSignal | undefined;
}

/** Exit code and output of a program. */
export interface ProgramResult {
  /** -1 if the program was ended by a signal. */
  exitCode: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs a short-lived program and returns its output. A non-zero exit code is a result, not an error.
 * @throws {UserError} if the program does not exist or cannot be started.
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  options.signal?.throwIfAborted();
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: options.env,
    signal: options.signal,
    stdio: [options.inputFrom ?? "pipe", options.outputTo ?? "pipe", "pipe"],
  });
  const exited = new Promise<number>((resolve, reject) => {
    child.once("error", (error) => reject(startError(file, error)));
    child.once("close", (code) => resolve(code ?? -1));
  });
  child.stdin?.on("error", () => undefined); // a program need not read its input
  child.stdin?.end(options.input);
  if (options.bytes === true) child.stdout?.setEncoding("latin1");
  const [exitCode, stdout, stderr] = await Promise.all([
    exited,
    child.stdout === null ? "" : text(child.stdout),
    child.stderr === null ? "" : text(child.stderr),
  ]);
  return { exitCode, stdout, stderr };
}

function startError(file: string, error: Error): Error {
  if (error.name === "AbortError") return error;
  if (errorCode(error) === "ENOENT") return new UserError(`${file}: command not found`, { cause: error });
  return new UserError(`cannot start ${file}: ${error.message}`, { cause: error });
}

/** Runs a short-lived program synchronously and returns its output; undefined if it fails or does not exist. */
export function outputOf(file: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(file, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return undefined; // whatever the reason
  }
}

/** Starts a program whose input and output are streams. */
export function startPiped(
  file: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; signal?: AbortSignal | undefined } = {},
): ChildProcessWithoutNullStreams {
  return spawn(file, args, { env: options.env, signal: options.signal });
}

/** A program that reads a stream. */
export interface ReadingProgram extends ChildProcess {
  stdin: Writable;
  stderr: Readable;
}

/** Starts a program that reads a stream, and writes to an open file. */
export function startWriting(file: string, args: readonly string[], outputTo: number): ReadingProgram {
  return spawn(file, args, { stdio: ["pipe", outputTo, "pipe"] }) as ReadingProgram;
}

/** Starts a program as the leader of its own process group and session, so that signals to ours do not reach it. */
export function startLeader(
  file: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; stdio: StdioOptions },
): ChildProcess {
  return spawn(file, args, { ...options, detached: true });
}

/**
 * Runs a program that may take long, such as a compiler, and copies its output and its errors to a log, in
 * the order in which they are printed.
 * @param options.onOutput called with each piece of output, one character for each byte.
 * @throws the signal's reason, after the program has been stopped.
 */
export async function runLogged(
  file: string,
  args: readonly string[],
  options: {
    cwd: string;
    env: NodeJS.ProcessEnv;
    log: Writable;
    signal: AbortSignal;
    onOutput?: ((text: string) => void) | undefined;
  },
): Promise<"succeeded" | "failed" | "missing"> {
  const { cwd, env, log, signal, onOutput } = options;
  const { execa } = await import("execa");
  const child = execa(file, args, {
    cwd,
    env,
    extendEnv: false,
    stdin: "ignore",
    all: true,
    buffer: false,
    reject: false,
    cancelSignal: signal,
  });
  child.all.pipe(log, { end: false });
  if (onOutput !== undefined) child.all.on("data", (piece: Buffer) => onOutput(piece.toString("latin1")));
  const result = await child;
  if (result.isCanceled) signal.throwIfAborted();
  if (errorCode(result.cause) === "ENOENT") return "missing";
  return result.failed ? "failed" : "succeeded";
}

/** Returns the absolute path of the first of these programs that is found in PATH; undefined if none is. */
export async function findProgram(
  names: readonly string[],
  searchPath: string | undefined = process.env["PATH"],
): Promise<string | undefined> {
  const folders = (searchPath ?? "").split(path.delimiter).filter((folder) => folder !== "");
  for (const name of names) {
    for (const folder of folders) {
      const file = path.resolve(folder, name);
      if (await isExecutable(file)) return file;
    }
  }
  return undefined;
}

/** Returns whether a file exists and this user may execute it. */
export async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false; // whatever the reason, it cannot be executed
  }
}

/** Returns whether a file is a script: whether it begins with `#!`. */
export async function isScript(file: string): Promise<boolean> {
  try {
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return buffer.toString("latin1", 0, bytesRead) === "#!";
  } catch {
    return false; // a file that cannot be read cannot be interpreted
  }
}
