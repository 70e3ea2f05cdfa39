import type { Command as Program } from "commander";
import { EXIT, type CommandContext } from "./command.ts";
import { completionScript, SHELLS } from "./completion-scripts.ts";
import { withExamples } from "./examples.ts";
import { printableLine } from "./printable.ts";

/** A word that can be inserted at the cursor. */
export interface Candidate {
  word: string;
  description: string;
}

/** Asks the shell to complete file names. */
export const FILES: readonly Candidate[] = [{ word: "", description: "files" }];

/** Time limit for finding candidates, because the shell waits for them. */
const TIMEOUT_MS = 3000;

/** Returns whether a shell's script asks for candidates, with the words on the command line. */
export function isCompletion({ argv }: CommandContext): boolean {
  return argv[0] === "__complete";
}

/** Adds the command that prints the script for a shell. */
export function addCompletion(program: Program, stdout: CommandContext["stdout"]): void {
  const tool = program.name();
  withExamples(
    program
      .command("completion [shell]")
      .summary(`print the script that completes ${tool} in bash, zsh or fish`)
      .description(
        `print the script that completes ${tool} in bash, zsh or fish. In ~/.bashrc, write: source <(${tool} completion bash); in ~/.zshrc, after compinit: source <(${tool} completion zsh)`,
      )
      .action((shell: string | undefined) => void stdout.write(completionScript(tool, shell))),
    `${tool} completion bash`,
    `${tool} completion fish > ~/.config/fish/completions/${tool}.fish`,
  );
}

/** Words before the cursor, and the beginning of the word at the cursor. */
interface Typed {
  before: readonly string[];
  word: string;
  /** What precedes a value in the same word: `--swarm=`. */
  prefix: string;
}

/** Returns what was typed, with `--option=value` and bash's words `--option`, `=`, `value` as `--option value`. */
function typedWords(words: readonly string[]): Typed {
  const before = words.slice(0, -1).flatMap((word) => /^(--[\w-]+)=(.*)$/s.exec(word)?.slice(1) ?? [word]);
  const word = words.at(-1) ?? "";
  const [, option, value] = /^(--[\w-]+)=(.*)$/s.exec(word) ?? [];
  const split = before.filter((each, at) => each !== "=" || !before[at - 1]?.startsWith("--"));
  if (option !== undefined) return { before: [...split, option], word: value!, prefix: `${option}=` };
  const isEqualsSign = word === "=" && (split.at(-1)?.startsWith("--") ?? false);
  return { before: split, word: isEqualsSign ? "" : word, prefix: "" };
}

/**
 * Prints the completion candidates, and returns the exit code. Errors while finding candidates are ignored, because they
 * would appear in the middle of the user's command line.
 * @param find returns the candidates after some complete words; those that do not begin with `typed` are
 *   omitted.
 */
export async function answerCompletion(
  { argv, stdout }: CommandContext,
  find: (before: readonly string[], typed: string, signal: AbortSignal) => Promise<readonly Candidate[]>,
): Promise<number> {
  const { before, word: typed, prefix } = typedWords(argv.slice(1));
  const found = await find(before, typed, AbortSignal.timeout(TIMEOUT_MS)).catch(() => []);
  for (const { word, description } of found) {
    if (word === "") stdout.write(`\t${description}\n`);
    else if (word.startsWith(typed) && word === printableLine(word))
      stdout.write(`${prefix}${word}\t${printableLine(description.split("\n")[0]!)}\n`);
  }
  return EXIT.done;
}

/** Returns the options of a command in their long forms, with `--help`. */
export function optionsOf(command: Program): Candidate[] {
  const options = command.options
    .filter((option) => !option.hidden)
    .map(({ long, short, description }) => ({ word: long ?? short ?? "", description }));
  return [...options, { word: "--help", description: "display help for command" }];
}

/** Returns whether a command's option takes a value. */
export function takesValue(command: Program, word: string | undefined): boolean {
  const option = command.options.find(
    ({ long, short }) => word !== undefined && [long, short].includes(word),
  );
  return option !== undefined && (option.required || option.optional);
}

/** Returns the positional arguments among the words after a command. */
export function positionalsOf(command: Program, words: readonly string[]): string[] {
  return words.filter((word, at) => !word.startsWith("-") && !takesValue(command, words[at - 1]));
}

/** Returns the subcommands of a command. */
export function commandsOf(command: Program): Candidate[] {
  const shown = new Set(command.createHelp().visibleCommands(command)); // with commander's own `help`
  return command.commands
    .filter((each) => shown.has(each))
    .map((each) => ({ word: each.name(), description: each.summary() || each.description() }));
}

/** Returns the shells for which there is a script. */
export function shellNames(): Candidate[] {
  return SHELLS.map((word) => ({ word, description: "shell" }));
}

/** Returns the names of all swarms. */
export async function swarmNames(): Promise<Candidate[]> {
  const { listSwarms } = await import("../../providers/list-swarms.ts");
  return (await listSwarms()).map(({ name, state }) => ({ word: name, description: `swarm, ${state}` }));
}
