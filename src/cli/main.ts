import { errorCode, errorText, UserError } from "../errors.ts";
import { explainQueueError } from "../queue/queue-errors.ts";
import { explainSystemError } from "../system/system-error.ts";
import { EXIT, type Command } from "./terminal/command.ts";
import { forPeople } from "./terminal/for-people.ts";
import { printable } from "./terminal/printable.ts";

const ISSUES = "the project's issue tracker";

/**
 * Runs a command and returns its exit code. This is the only place that catches all errors.
 * The first signal interrupts the command; the second one ends the process immediately.
 */
export async function main(command: Command, argv: readonly string[]): Promise<number> {
  const interruption = new AbortController();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  let exitsOnHangup = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    const exitsNow = signal === "SIGHUP" && exitsOnHangup;
    if (interruption.signal.aborted || exitsNow) dieOf(signal, signals, onSignal);
    else interruption.abort();
  };
  for (const signal of signals) process.on(signal, onSignal);
  let unwritten: Error | undefined;
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: Error) => {
      if (!isReaderGone(error, stream)) unwritten ??= error;
    });
  try {
    const { stdout, stderr } = process;
    const exitOnHangup = (): void => void (exitsOnHangup = true);
    const exitCode = await command.run({
      argv,
      interrupt: interruption.signal,
      exitOnHangup,
      stdout,
      stderr,
    });
    if (unwritten === undefined) return exitCode;
    const incomplete = explain(command.name, cannotPrint(unwritten), false);
    return exitCode === EXIT.done ? incomplete : exitCode;
  } catch (error) {
    return explain(command.name, error, interruption.signal.aborted);
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
}

/** Ends the process by a signal with its default action, so that the shell sees that signal as the cause. */
function dieOf(
  signal: NodeJS.Signals,
  signals: readonly NodeJS.Signals[],
  handler: (s: NodeJS.Signals) => void,
): void {
  for (const name of signals) process.off(name, handler);
  process.kill(process.pid, signal);
}

/**
 * Returns whether the reader of the output has gone, which is not an error: `… --dry-run | head`, or a closed
 * terminal.
 */
function isReaderGone(error: Error, { isTTY }: { isTTY?: boolean }): boolean {
  const code = errorCode(error);
  return code === "EPIPE" || (code === "EIO" && isTTY === true);
}

/** Returns the error for output that could not be written, for example to a full disk. The command itself continued. */
function cannotPrint(error: Error): UserError {
  return new UserError(`cannot write the whole output: ${errorText(error)}`, {
    hint: "the command itself has completed; free some disk space before running it again",
    cause: error,
  });
}

function print(text: string): void {
  process.stderr.write(`${forPeople(printable(text), process.stderr)}\n`);
}

/** Prints an error and returns its exit code. If closing resources failed, too, the original error decides the code. */
function explain(name: string, error: unknown, interrupted: boolean): number {
  if (error instanceof Error && "suppressed" in error) {
    const exitCode = explain(name, error.suppressed, interrupted);
    const text = errorText((error as { error?: unknown }).error);
    print(`${name}: also, while cleaning up: ${text}`);
    return exitCode;
  }
  if (error instanceof UserError) {
    print(`${name}: ${error.message}`);
    if (error.hint !== undefined) print(`hint: ${error.hint}`);
    return EXIT.usage;
  }
  const explained = explainSystemError(error) ?? explainQueueError(error);
  if (explained !== undefined) return explain(name, explained, interrupted);
  const commander = errorCode(error)?.startsWith("commander.") ? (error as { exitCode?: number }) : undefined;
  if (commander) return commander.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (interrupted && (error as Error | undefined)?.name === "AbortError") {
    process.stderr.write(`${name}: interrupted\n`);
    return EXIT.interrupted;
  }
  const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(
    `${name}: this is a bug. Please report it with the following lines on ${ISSUES}.\n${printable(details)}\n`,
  );
  return EXIT.bug;
}
