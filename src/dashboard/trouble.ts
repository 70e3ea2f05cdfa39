import { errorText, UserError } from "../errors.ts";

/** Returns whether an error is caused by files, memory or the queue, and not by a bug. */
export function isExpected(error: unknown): error is Error {
  return error instanceof UserError || (error as NodeJS.ErrnoException | null)?.syscall !== undefined;
}

/** Returns what a page shows about an error; details of a bug are only in the log. */
export function describeTrouble(error: unknown): string {
  return isExpected(error) ? errorText(error) : "this is a bug; see the dashboard's log";
}
