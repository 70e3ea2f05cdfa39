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

/** The text of an error for a person: its message where it is an Error, else the value itself. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
