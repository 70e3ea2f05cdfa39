import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { Declined, UserError } from "../../errors.ts";
import { forPeople } from "../terminal/for-people.ts";
import { printable } from "../terminal/printable.ts";

/** Returns whether questions can be asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/**
 * Asks a question on the terminal and returns whether the answer is yes. Without a terminal, and at the end of
 * the input (Ctrl-D), it is no.
 * @throws {DOMException} an `AbortError` after Ctrl-C, which interrupts the command as everywhere else.
 */
export async function confirm(question: string, signal?: AbortSignal): Promise<boolean> {
  if (!canAsk()) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const interruption = new AbortController();
  terminal.once("SIGINT", () => {
    process.emit("SIGINT", "SIGINT"); // the terminal is in raw mode, in which Ctrl-C sends no signal
    interruption.abort();
  });
  const stops = AbortSignal.any([interruption.signal, ...(signal === undefined ? [] : [signal])]);
  const text = forPeople(printable(`${question} [y/N] `), process.stderr);
  let answer: string | undefined;
  try {
    const closed = once(terminal, "close").then(() => undefined);
    answer = await Promise.race([terminal.question(text, { signal: stops }), closed]);
  } catch (error) {
    if (stops.aborted) throw error; // else it was Ctrl-D, which some versions of Node.js report as an error
  } finally {
    terminal.close();
    if (answer === undefined) process.stderr.write("\n"); // nobody has pressed Enter
  }
  return /^y(es)?$/i.test(answer?.trim() ?? "");
}

/**
 * Asks the user whether to continue.
 * @param fact a consequence that the user has to accept.
 * @throws {Declined} if the answer is no.
 * @throws {UserError} if there is no terminal on which to ask.
 */
export async function ask(fact: string, signal: AbortSignal | undefined): Promise<void> {
  if (!canAsk()) throw new UserError(fact, { hint: "add --yes to continue without being asked" });
  if (!(await confirm(`${fact}. Continue?`, signal))) throw new Declined("nothing was changed");
}
