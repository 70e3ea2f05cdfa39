import type { Command } from "commander";
import { expect, it } from "vitest";
import { describeSubcommands } from "../../src/cli/runall/campaign-commands.ts";
import { describeOptions } from "../../src/cli/runall/runall-options.ts";
import { describeProgram } from "../../src/cli/tool/swarm-tool.ts";
import { describeWorker } from "../../src/cli/worker/swarm-worker.ts";
import { silentContext } from "../helpers/command-context.ts";
import { collectMessages } from "../helpers/messages.ts";

const COLUMNS = 80;

/** Words that docs and messages avoid, with what to write instead. */
const BANNED: readonly (readonly [RegExp, string])[] = [
  [/\bmend(ed|s)?\b/i, "fix, repair"],
  [/\b(make|makes|made|making) (a |the |\w+ )?runs?\b/i, "execute runs"],
  [/\b(made|make|makes|begin|begins) (it |them |\w+ )?(again|anew)\b|\banew\b/i, "rerun, retry, again"],
  [/\bsettles?\b/i, "wait until stable"],
  [/\bwithdraws?\b|\bwithdrawn\b|\bgives? away\b/i, "requeue, hand back"],
  [/\brooms?\b|\bfor want of\b/i, "capacity, free disk space"],
  [/\blies?\b|\bstands?\b/i, "is in, is stored in"],
  [/\btells?\b|\btold\b|\bno word\b|\bword of\b/i, "report, print"],
  [/\bhe\b|\bhis\b|\bhim\b/i, "they"],
  [/\balone\b/i, "only"],
  [/\bat once\b/i, "immediately, concurrently"],
  [/\bnot there\b|\bis there\b|\bare there\b|\bthere already\b/i, "exists, already completed"],
  [/\bany ?more\b/i, "no longer"],
  [/\bvanish(ed|es)?\b/i, "lost"],
  [/\bended? well\b|\bends? it\b|\bwhat runs\b/i, "completed, stop"],
  [/\bis no (?!longer\b)[a-z]+\b/i, "is not a …"],
  [/\bleave .* away\b|\bleft out\b/i, "remove, ignore"],
];

/** Returns the help screen of a command and of all its subcommands. */
function helpScreens(program: Command, title = program.name()): string {
  let text = `$ ${title} --help\n`;
  program.configureOutput({
    getOutHelpWidth: () => COLUMNS,
    getOutHasColors: () => false,
    writeOut: (part) => (text += part),
  });
  program.outputHelp();
  return [text, ...program.commands.map((each) => helpScreens(each, `${title} ${each.name()}`))].join("\n");
}

async function allHelpScreens(): Promise<string> {
  const context = silentContext();
  const programs = [
    await describeOptions(context),
    ...describeSubcommands(context, () => undefined).commands,
    describeProgram(context, () => undefined),
    describeWorker(context),
  ];
  return programs
    .map((program) => {
      const isSubWord = program.parent !== null;
      return helpScreens(program, isSubWord ? `runall-swarm ${program.name()}` : program.name());
    })
    .join("\n");
}

it("shows only reviewed help screens and messages (else: vitest -u, and read the changes)", async () => {
  const messages = [...collectMessages()].map(([file, texts]) => `## ${file}\n\n${texts.join("\n")}\n`);
  const all = `# Help\n\n${await allHelpScreens()}\n# Messages\n\n${messages.join("\n")}`;
  await expect(all).toMatchFileSnapshot("messages.snapshot");
});

it("has no help line wider than a terminal", async () => {
  const lines = (await allHelpScreens()).split("\n");
  expect(lines.filter((line) => line.length > COLUMNS)).toEqual([]);
});

it("uses the project's terms in help screens and messages", async () => {
  const lines = [...(await allHelpScreens()).split("\n"), ...[...collectMessages().values()].flat()];
  const wrong = lines.flatMap((line) =>
    BANNED.filter(([word]) => word.test(line)).map(([, instead]) => `${line} [write: ${instead}]`),
  );
  expect(wrong).toEqual([]);
});
