import { OppError } from "./errors.js";

/** Letters of the options; those followed by a colon take a value. */
const LETTERS = "h?f:u:l:c:r:n:x:i:p:q:e:avwsSm";

/** A mistake in the command line itself: reported on standard output. */
export class UsageError extends OppError {}

/**
 * @typedef {object} Arguments
 * @property {Map<string, string[]>} options  values by letter, in order
 * @property {{ key: string, value: string }[]} settings  from `--key=value`
 * @property {string[]} iniFiles
 */

/** @param {string[]} argv @returns {Arguments} @throws {UsageError} */
export function parseArguments(argv) {
  /** @type {Arguments} */
  const parsed = { options: new Map(), settings: [], iniFiles: [] };
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? "";
    const setting = /^--([^=]*)=([^]*)$/.exec(argument);
    if (setting) parsed.settings.push({ key: setting[1] ?? "", value: setting[2] ?? "" });
    else if (argument.startsWith("--"))
      // --flag alone means true
      parsed.settings.push({ key: argument.slice(2), value: "true" });
    else if (/^-./.test(argument)) {
      const letter = argument[1] ?? "";
      const place = LETTERS.indexOf(letter);
      if (place < 0 || letter === ":")
        throw new UsageError(`Invalid command-line option ${argument}, try -h for help`);
      let value = argument.slice(2);
      if (LETTERS[place + 1] === ":" && value === "") {
        const next = argv[++index];
        if (next === undefined)
          throw new UsageError(`command-line option ${argument} is missing required argument`);
        value = next;
      }
      parsed.options.set(letter, [...(parsed.options.get(letter) ?? []), value]);
    } else parsed.iniFiles.push(argument);
  }
  parsed.iniFiles = [...(parsed.options.get("f") ?? []), ...parsed.iniFiles];
  return parsed;
}
