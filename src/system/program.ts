import { spawn } from "node:child_process";
import { access, constants, open, stat } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { errorCode, UserError } from "../errors.ts";

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
 * Uses only node:child_process, because `runall-swarm` needs it at startup, when every import takes time.
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
