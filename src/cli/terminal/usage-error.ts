import type { HelpConfiguration, OutputConfiguration } from "commander";
import type { CommandContext } from "./command.ts";
import { errorCode, UserError } from "../../errors.ts";
import { forPeople } from "./for-people.ts";

/** Returns the settings with which commander prints help screens, and leaves the printing of errors to `main`. */
export function outputOf({ stdout, stderr }: Pick<CommandContext, "stdout" | "stderr">): OutputConfiguration {
  return {
    writeOut: (text) => void stdout.write(forPeople(text, stdout)),
    writeErr: (text) => void stderr.write(forPeople(text, stderr)),
    outputError: () => undefined,
  };
}

/** Wraps the descriptions of options in their column even on narrow terminals. */
export const HELP_LAYOUT: HelpConfiguration = { minWidthToWrap: 20 };

/**
 * Returns commander's error in the form of all other errors; undefined for another error, and for a help
 * screen, which has been printed.
 * @param command what was typed, as far as it names a command: for the hint.
 */
export function explainUsage(error: unknown, command: string): UserError | undefined {
  const code = errorCode(error) ?? "";
  if (!code.startsWith("commander.") || !(error instanceof Error)) return undefined;
  if (/^commander\.(help|version)/.test(code)) return undefined;
  const [text = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
  const message = text
    .replace(/\.$/, "")
    .replace(/\. ([A-Z])/g, (_, letter: string) => `: ${letter.toLowerCase()}`);
  const meant = /^\(D(id you mean .*\?)\)$/.exec(suggestion ?? "")?.[1];
  const hint = meant === undefined ? `for its options, run: ${command} --help` : `d${meant}`;
  return new UserError(message, { hint, cause: error });
}
