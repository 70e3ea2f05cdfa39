import { createInterface } from "node:readline/promises";
import { UserError } from "../../errors.ts";
import { forPeople } from "../terminal/for-people.ts";
import { printable } from "../terminal/printable.ts";

/** Asks a question on the terminal and returns whether the answer is yes. Without a terminal it is no. */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const text = forPeople(printable(`${question} [y/N] `), process.stderr);
    return /^y(es)?$/i.test((await terminal.question(text)).trim());
  } finally {
    terminal.close();
  }
}

/**
 * Asks the user whether to continue.
 * @param fact a consequence that the user has to accept.
 * @param flag option that skips the question.
 * @throws {UserError} if the answer is no.
 */
export async function ask(fact: string, flag = "--force"): Promise<void> {
  if (await confirm(`${fact}. Continue?`)) return;
  throw new UserError(fact, { hint: `add ${flag} to continue without being asked` });
}
