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
  /** Returns the exit code. */
  run(context: CommandContext): Promise<number>;
}

export const EXIT = { done: 0, failed: 1, usage: 2, bug: 3, interrupted: 130 } as const;
