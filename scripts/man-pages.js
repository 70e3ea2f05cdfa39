/** @import { Command } from "commander" */
/** @import { ProgramDescription } from "../src/cli/programs.ts" */

/** Characters for which every terminal has a form; others are named by their number. @type {Record<string, string>} */
const SIMPLE = {
  "\\": "\\e",
  "-": "\\-",
  "…": "...",
  "–": "\\-",
  "×": "x",
  "’": "'",
  "‘": "'",
  "“": '"',
  "”": '"',
};

/**
 * Returns the man pages of the programs, by file name. They contain what `--help` prints.
 * @param {readonly ProgramDescription[]} programs
 * @param {{ version: string, homepage: string }} manifest
 * @returns {Map<string, string>}
 */
export function manPages(programs, manifest) {
  const names = programs.map(({ program }) => program.name());
  return new Map(programs.map((each) => [`${each.program.name()}.1`, manPage(each, names, manifest)]));
}

/**
 * @param {ProgramDescription} description
 * @param {readonly string[]} names of all programs
 * @param {{ version: string, homepage: string }} manifest
 */
function manPage({ program, commands }, names, { version, homepage }) {
  const name = program.name();
  const visible = commands.filter((command) => isVisible(program, command));
  const others = names.filter((other) => other !== name).map((other) => `\\fB${escape(other)}\\fR(1)`);
  const lines = [
    `.TH "${escape(name.toUpperCase())}" 1 "" "inet\\-swarm ${escape(version)}" "User Commands"`,
    ".SH NAME",
    `${escape(name)} \\- ${escape(lowerFirst(program.description().split(/\.\s|\.$/)[0] ?? ""))}`,
    ".SH SYNOPSIS",
    ...synopsis(program, visible),
    ".SH DESCRIPTION",
    ...text(program.description()),
    ...definitions(program, ".SH", "OPTIONS"),
    ...(visible.length === 0 ? [] : [".SH COMMANDS"]),
    ...visible.flatMap(commandSection),
    ...furtherHelp(program, ".SH", "NOTES"),
    ".SH SEE ALSO",
    `${others.join(", ")}, ${escape(homepage)}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** Returns whether `--help` shows a command. @param {Command} program @param {Command} command */
function isVisible(program, command) {
  const parent = command.parent ?? program;
  return command.name() !== "help" && parent.createHelp().visibleCommands(parent).includes(command);
}

/** @param {Command} program @param {readonly Command[]} commands */
function synopsis(program, commands) {
  const usages = [program, ...commands].map((command) => command.createHelp().commandUsage(command));
  return usages.flatMap((usage, index) => [...(index === 0 ? [] : [".br"]), ...text(usage)]);
}

/** @param {Command} command */
function commandSection(command) {
  return [
    `.SS "${escape(`${command.name()} ${command.usage()}`).replaceAll('"', "'")}"`,
    ...text(command.description()),
    ...definitions(command, "", ""),
    ...furtherHelp(command, "", ""),
  ];
}

/**
 * Returns the arguments and options of a command, under a heading for each group.
 * @param {Command} command
 * @param {string} macro of the heading for all of them; empty: none.
 * @param {string} heading
 */
function definitions(command, macro, heading) {
  const help = command.createHelp();
  const options = help.visibleOptions(command).filter(({ long }) => macro !== "" || long !== "--help");
  const groups = help.groupItems(
    [...command.options],
    options,
    (option) => option.helpGroupHeading ?? "Options:",
  );
  const filled = [...groups].filter(([, members]) => members.length > 0);
  return [
    ...help
      .visibleArguments(command)
      .flatMap((each) => definition(each.name(), help.argumentDescription(each))),
    ...(macro === "" ? [] : [`${macro} ${heading}`]),
    ...filled.flatMap(([group, members]) => [
      ...(filled.length > 1 ? groupHeading(group.replace(/:$/, ""), macro !== "") : []),
      ...members.flatMap((option) => definition(option.flags, help.optionDescription(option))),
    ]),
  ];
}

/** @param {string} group @param {boolean} isSection whether it is not in a section of that level already. */
function groupHeading(group, isSection) {
  return isSection ? [`.SS "${escape(group)}"`] : [".PP", `\\fI${escape(group)}\\fR`];
}

/** @param {string} term @param {string} description */
function definition(term, description) {
  return [".TP", `\\fB${escape(term)}\\fR`, ...text(description)];
}

/**
 * Returns what `--help` prints after the options, such as examples, as it is.
 * @param {Command} command
 * @param {string} macro
 * @param {string} heading
 */
function furtherHelp(command, macro, heading) {
  let printed = "";
  const before = { ...command.configureOutput() };
  command.configureOutput({ writeOut: (part) => (printed += part) });
  command.outputHelp();
  command.configureOutput(before);
  const after = printed.slice(command.helpInformation().length).replace(/^\n+|\s+$/g, "");
  if (after === "") return [];
  return [
    ...(macro === "" ? [".PP"] : [`${macro} ${heading}`]),
    ".nf",
    ...after.split("\n").map(line),
    ".fi",
  ];
}

/** Returns running text as lines. @param {string} words */
function text(words) {
  return words.split("\n").map(line);
}

/** Returns a line that is no request, even if it begins like one. @param {string} words */
function line(words) {
  return escape(words).replace(/^(?=[.'])/, "\\&");
}

/** @param {string} words */
function escape(words) {
  return words.replaceAll(/[\\-]|[^\x20-\x7e]/g, (character) => {
    const code = character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0") ?? "";
    return SIMPLE[character] ?? `\\[u${code}]`;
  });
}

/** @param {string} words */
function lowerFirst(words) {
  return words.charAt(0).toLowerCase() + words.slice(1);
}
