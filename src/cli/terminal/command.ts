/** Arguments, output streams and signals of a command. */
export interface CommandContext {
  argv: readonly string[];
  /** Aborted by the first Ctrl-C, and by SIGTERM or SIGHUP. */
  interrupt: AbortSignal;
  /**
   * Makes SIGHUP, when the terminal is closed, end the process immediately. Call it when the work continues
   * without it.
   */
  exitOnHangup: () => void;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

export interface Command {
  name: string;
  /** Returns whether a command does nothing but print, so that it is useless without a reader. */
  onlyPrints(argv: readonly string[]): boolean;
  /** Returns the exit code. */
  run(context: CommandContext): Promise<number>;
}

/** The last one is that of a program that SIGPIPE has ended: nobody reads its output, as in `… | head -1`. */
export const EXIT = { done: 0, failed: 1, usage: 2, bug: 3, interrupted: 130, unread: 141 } as const;

const HELP_OPTIONS = new Set(["-h", "--help", "--version", "completion", "__complete"]);

/** Returns whether arguments ask for the help, the version or completion. */
export function isHelp(argv: readonly string[]): boolean {
  return argv.some((argument) => HELP_OPTIONS.has(argument));
}
