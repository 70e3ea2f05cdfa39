import { spawn } from "node:child_process";
import { access, constants, open, stat } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { errorCode, UserError } from "../errors.ts";

export interface ProgramOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  input?: string;
  /** A file descriptor that takes what it prints, instead of the result. */
  outputTo?: number;
  /** A file descriptor that it reads from, instead of `input`. */
  inputFrom?: number;
  /** Returns what it prints with one character for each byte, instead of decoding it. */
  bytes?: boolean;
  signal?: AbortSignal | undefined;
}

export interface ProgramResult {
  /** 128 + number is not used: a program ended by a signal gives -1. */
  exitCode: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs a short program and returns what it printed; a failing exit code is a result, not an error.
 * On node:child_process alone, because it serves the start of `runall-swarm`, where every import counts.
 * @throws {UserError} when the program is not there or cannot be started.
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
  child.stdin?.on("error", () => undefined); // a program that does not read its input is no fault
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

/** The first of these programs that PATH has, as an absolute path. */
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

export async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false; // the answer, whatever the reason
  }
}

/** Whether another program interprets a file, as its first line says. */
export async function isScript(file: string): Promise<boolean> {
  try {
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return buffer.toString("latin1", 0, bytesRead) === "#!";
  } catch {
    return false; // the answer, whatever the reason
  }
}
