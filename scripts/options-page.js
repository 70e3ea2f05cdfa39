import { format, resolveConfig } from "prettier";

/** @import { Command } from "commander" */
/** @import { ProgramDescription } from "../src/cli/programs.ts" */

const HEAD = `<!-- Written by \`npm run docs\` from the definitions of the commands. Do not edit. -->

# All options

What \`--help\` prints, for all commands. [Running campaigns](campaigns.md), [Swarms](swarms.md) and the pages on
[local](local.md), [Docker](docker.md) and [AWS](aws.md) swarms explain what the options are for.
`;

/** Notes on programs that their definitions do not contain. @type {Record<string, string>} */
const NOTES = {
  "runall-swarm": "Options that are not listed here are passed to the simulation.",
  "swarm-worker": "The processes of a swarm. Swarms start them; you need them only to debug a swarm.",
};

/**
 * Returns the page of all options.
 * @param {readonly ProgramDescription[]} programs
 * @param {string} file path of the page, which determines the format
 */
export async function optionsPage(programs, file) {
  const sections = programs.flatMap(({ program, commands }) => {
    const own = commands.filter((command) => isVisible(program, command));
    return [section("##", program, program.name()), ...own.map((each) => commandSection(program, each))];
  });
  const config = await resolveConfig(file);
  return await format([HEAD, ...sections].join("\n"), { ...config, parser: "markdown" });
}

/** @param {Command} program @param {Command} command */
function isVisible(program, command) {
  const parent = command.parent ?? program;
  return command.name() !== "help" && parent.createHelp().visibleCommands(parent).includes(command);
}

/** @param {Command} program @param {Command} command */
function commandSection(program, command) {
  return section("###", command, `${program.name()} ${command.name()}`);
}

/**
 * Returns the section of a program or command: its usage, description, arguments and options.
 * @param {string} level
 * @param {Command} command
 * @param {string} title
 */
function section(level, command, title) {
  const help = command.createHelp();
  const note = NOTES[title];
  return [
    `${level} ${title}`,
    `\`\`\`text\n${help.commandUsage(command)}\n\`\`\``,
    sentence(command.description()),
    ...(note === undefined ? [] : [note]),
    ...table(
      ["argument", "meaning"],
      help
        .visibleArguments(command)
        .map((each) => [code(each.name()), escape(help.argumentDescription(each))]),
    ),
    ...optionTables(command),
    "",
  ].join("\n\n");
}

/** Returns a table of options for each group, with the title of the group if there are several. @param {Command} command */
function optionTables(command) {
  const help = command.createHelp();
  const groups = help.groupItems(
    [...command.options],
    help.visibleOptions(command).filter((option) => option.long !== "--help"),
    (option) => option.helpGroupHeading ?? "Options:",
  );
  const filled = [...groups].filter(([, options]) => options.length > 0);
  return filled.flatMap(([group, options]) => [
    ...(filled.length > 1 ? [`**${group.replace(/:$/, "")}**`] : []),
    ...table(
      ["option", "meaning"],
      options.map((option) => [code(option.flags), escape(help.optionDescription(option))]),
    ),
  ]);
}

/** @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
function table(head, rows) {
  if (rows.length === 0) return [];
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return [lines.join("\n")];
}

/** @param {string} text */
function code(text) {
  return `\`${text.replaceAll("|", String.raw`\|`)}\``;
}

/** @param {string} text */
function escape(text) {
  return text.replaceAll(/[|<]/g, String.raw`\$&`);
}

/** @param {string} text */
function sentence(text) {
  const closed = text.endsWith(".") ? text : `${text}.`;
  return closed.charAt(0).toUpperCase() + closed.slice(1);
}
