/**
 * Something that the user can mend: shown as its message and hint, without a stack trace, exit code 2.
 * Every other error is a bug of ours: shown with its stack, exit code 3.
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

/** The `code` of a Node.js system error (`ENOENT`, `EACCES`, …), or undefined for any other value. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** Returns the text of an error for a person, in one piece: its message and, if it has one, its hint. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof UserError && error.hint !== undefined
    ? `${error.message} (hint: ${error.hint})`
    : error.message;
}

/** Notes the file that a system error is about, if the system call does not know it, as `read` and `write` do not. */
export function withPath(error: unknown, file: string): unknown {
  const details = error as NodeJS.ErrnoException;
  if (error instanceof Error && details.syscall !== undefined) details.path ??= file;
  return error;
}
