import type { Command as Program } from "commander";
import { EXIT, type CommandContext } from "./command.ts";

/** What may stand where the cursor is. */
export interface Candidate {
  word: string;
  description: string;
}

/** A shell waits for the answer; one that takes longer is of no use to anybody. */
const TIMEOUT_MS = 3000;

/** `completion SHELL` prints the script for a shell, which calls the tool with `__complete` and what is typed. */
export function isCompletion({ argv }: CommandContext): boolean {
  return argv[0] === "completion" || argv[0] === "__complete";
}

/**
 * What goes wrong on the way to the candidates is not told: whoever presses the tab key in the middle of a line
 * does not want to read an error.
 * @param find the candidates after some whole words; those that do not begin with what is typed are left out.
 * @throws {UserError} for a shell without a script.
 */
export async function answerCompletion(
  { argv, stdout }: CommandContext,
  tool: string,
  find: (before: readonly string[], typed: string, signal: AbortSignal) => Promise<readonly Candidate[]>,
): Promise<number> {
  const [question, ...words] = argv;
  if (question === "completion") {
    const { completionScript } = await import("./completion-scripts.ts");
    stdout.write(completionScript(tool, words[0]));
    return EXIT.done;
  }
  const typed = words.at(-1) ?? "";
  const found = await find(words.slice(0, -1), typed, AbortSignal.timeout(TIMEOUT_MS)).catch(() => []);
  for (const { word, description } of found)
    if (word.startsWith(typed)) stdout.write(`${word}\t${description.split("\n")[0]!}\n`);
  return EXIT.done;
}

/** The options of a command, the longer form of each. */
export function optionsOf(command: Program): Candidate[] {
  return command.options
    .filter((option) => !option.hidden)
    .map(({ long, short, description }) => ({ word: long ?? short ?? "", description }));
}

/** Its sub-words. */
export function commandsOf(command: Program): Candidate[] {
  const shown = new Set(command.createHelp().visibleCommands(command)); // with commander's own `help`
  return command.commands
    .filter((each) => shown.has(each))
    .map((each) => ({ word: each.name(), description: each.description() }));
}

export async function swarmNames(): Promise<Candidate[]> {
  const { listSwarms } = await import("../../providers/list-swarms.ts");
  return (await listSwarms()).map(({ name, state }) => ({ word: name, description: `swarm, ${state}` }));
}
