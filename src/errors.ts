/**
 * A fault that the user can fix: shown as its message and hint, without a stack trace; exit code 2. Any other
 * error is a bug in inet-swarm: shown with its stack trace; exit code 3.
 */
export class UserError extends Error {
  override name = "UserError";
  /** What to do about it, as a sentence or a command line. */
  readonly hint: string | undefined;

  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
  }
}

/**
 * Thrown when the user has answered a question with no: the command ends without doing anything, which is not
 * an error; exit code 0. Shown as its message.
 */
export class Declined extends Error {
  override name = "Declined";
}

/** Returns the `code` of a Node.js system error (`ENOENT`, `EACCES`, …), or undefined for any other value. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** Returns the text of an error on one line: its message and, if it has one, its hint. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof UserError && error.hint !== undefined
    ? `${error.message} (hint: ${error.hint})`
    : error.message;
}

/**
 * Returns a system error with the path of its file, which
 * system calls such as `read` and `write` do not report.
 */
export function withPath(error: unknown, file: string): unknown {
  const details = error as NodeJS.ErrnoException;
  if (error instanceof Error && details.syscall !== undefined) details.path ??= file;
  return error;
}
