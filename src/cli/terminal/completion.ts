import type { Command as Program } from "commander";
import { EXIT, type CommandContext } from "./command.ts";

/** A word that can be inserted at the cursor. */
export interface Candidate {
  word: string;
  description: string;
}

/** Time limit for finding candidates, because the shell waits for them. */
const TIMEOUT_MS = 3000;

/**
 * Returns whether the arguments ask for completion: `completion SHELL` prints the script for a shell, which
 * calls the tool with `__complete` and the words on the command line.
 */
export function isCompletion({ argv }: CommandContext): boolean {
  return argv[0] === "completion" || argv[0] === "__complete";
}

/**
 * Prints a shell's script or the completion candidates, and returns the exit code. Errors while finding
 * candidates are ignored, because they would appear in the middle of the user's command line.
 * @param find returns the candidates after some complete words; those that do not begin with `typed` are
 *   omitted.
 * @throws {UserError} for an unsupported shell.
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

/** Returns the options of a command in their long forms. */
export function optionsOf(command: Program): Candidate[] {
  return command.options
    .filter((option) => !option.hidden)
    .map(({ long, short, description }) => ({ word: long ?? short ?? "", description }));
}

/** Returns the subcommands of a command. */
export function commandsOf(command: Program): Candidate[] {
  const shown = new Set(command.createHelp().visibleCommands(command)); // with commander's own `help`
  return command.commands
    .filter((each) => shown.has(each))
    .map((each) => ({ word: each.name(), description: each.description() }));
}

/** Returns the names of all swarms. */
export async function swarmNames(): Promise<Candidate[]> {
  const { listSwarms } = await import("../../providers/list-swarms.ts");
  return (await listSwarms()).map(({ name, state }) => ({ word: name, description: `swarm, ${state}` }));
}
