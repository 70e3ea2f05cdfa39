import { createInterface } from "node:readline/promises";
import { Declined, UserError } from "../../errors.ts";
import { forPeople } from "../terminal/for-people.ts";
import { printable } from "../terminal/printable.ts";

/** Returns whether questions can be asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** Asks a question on the terminal and returns whether the answer is yes. Without a terminal it is no. */
export async function confirm(question: string): Promise<boolean> {
  if (!canAsk()) return false;
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
 * @param declined what the answer no means, as a sentence.
 * @throws {Declined} if the answer is no.
 * @throws {UserError} if there is no terminal on which to ask.
 */
export async function ask(fact: string, declined = "nothing was changed"): Promise<void> {
  if (!canAsk()) throw new UserError(fact, { hint: "add --yes to continue without being asked" });
  if (!(await confirm(`${fact}. Continue?`))) throw new Declined(declined);
}
