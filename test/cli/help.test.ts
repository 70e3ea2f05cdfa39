import { describe, expect, it } from "vitest";
import type { Command } from "commander";
import { describeSubcommands } from "../../src/cli/runall/campaign-commands.ts";
import { describeOptions } from "../../src/cli/runall/runall-options.ts";
import { describeProgram } from "../../src/cli/tool/swarm-tool.ts";
import { silentContext } from "../helpers/command-context.ts";

/** Returns the help of a command, as `--help` prints it. */
function helpOf(program: Command): string {
  let text = "";
  program.configureOutput({
    getOutHelpWidth: () => 80,
    getOutHasColors: () => false,
    writeOut: (part) => (text += part),
  });
  program.outputHelp();
  return text;
}

/** Returns a command and its subcommands, each with its full name. */
function allOf(program: Command, before = ""): [string, Command][] {
  const name = `${before}${program.name()}`;
  return [[name, program], ...program.commands.flatMap((each) => allOf(each, `${name} `))];
}

const ignore = (): void => undefined;
const context = silentContext();
const options = await describeOptions(context);
const all = [
  ...allOf(options),
  ...allOf(describeSubcommands(context, ignore)).slice(1), // the options are the help of runall-swarm itself
  ...allOf(describeProgram(context, ignore)),
];
const shown = all.filter(([name]) => name !== "swarm-tool relay"); // started by swarm-tool only

describe("--help", () => {
  it("was found of both tools and their commands", () => {
    expect(shown.length).toBeGreaterThan(15);
  });

  it.each(shown)("of %s ends with examples that call it", (name, command) => {
    const [, examples] = helpOf(command).split("\nExamples:\n");
    const lines = (examples ?? "").trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatch(/^ {2}(runall-swarm|swarm-tool) /);
    expect(lines[0]).toMatch(new RegExp(`^  ${name}( |$)`));
  });

  it.each(shown)("of %s has examples whose options exist", (_name, command) => {
    const [, examples = ""] = helpOf(command).split("\nExamples:\n");
    for (const line of examples.trimEnd().split("\n")) {
      const [tool, word] = line.trim().split(" ");
      const called =
        all.find(([name]) => name === `${tool} ${word}`)?.[1] ?? all.find(([name]) => name === tool)![1];
      const known = [...called.options.flatMap(({ long, short }) => [long, short]), "--help"];
      const ours = (line.match(/ --?[a-z][\w-]*/g) ?? []).map((option) => option.trim());
      const unknown = ours.filter((option) => !known.includes(option) && !OF_OTHERS.includes(option));
      expect(unknown, line).toEqual([]);
    }
  });

  it("of swarm-tool init names the kinds first and is short", () => {
    const help = helpOf(all.find(([name]) => name === "swarm-tool init")![1]);
    const groups = [...help.matchAll(/^(\S.*):$/gm)].map(([, title]) => title);
    expect(groups.slice(0, 6)).toEqual([
      "Arguments",
      "Where (default: --aws, if AWS is configured)",
      "On all of them",
      "On this machine",
      "On a Docker Swarm",
      "On AWS",
    ]);
    expect(help.split("\n").length).toBeLessThan(64);
    expect(help.indexOf("--workers")).toBeLessThan(help.indexOf("--instance-type"));
    expect(help).not.toContain("-image ");
  });
});

/** Options of the simulation and of other programs. */
const OF_OTHERS = ["-c", "-r", "--sim-time-limit", "--tag"];
