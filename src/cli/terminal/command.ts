/** What a command gets from the process that it runs in. */
export interface CommandContext {
  argv: readonly string[];
  /** Aborted by the first Ctrl-C, and by SIGTERM or SIGHUP. */
  interrupt: AbortSignal;
  /** What is waited for goes on by itself: from now on a terminal that is closed (SIGHUP) ends the process at once. */
  leaveOnHangup: () => void;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

export interface Command {
  name: string;
  /** Returns the exit code. */
  run(context: CommandContext): Promise<number>;
}

export const EXIT = { done: 0, failed: 1, usage: 2, bug: 3, interrupted: 130 } as const;
