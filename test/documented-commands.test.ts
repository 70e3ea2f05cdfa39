import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { describePrograms } from "../src/cli/programs.ts";
import { refusalOf } from "./helpers/check-command.ts";
import { commandsOf, quotedCommands, wordsOf } from "./helpers/documented-commands.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DOCS = readdirSync(path.join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
const PAGES = [
  "README.md",
  "CONTRIBUTING.md",
  "examples/mm1/README.md",
  ...DOCS.map((name) => `docs/${name}`),
];

const programs = new Map((await describePrograms()).map((each) => [each.program.name(), each]));
const names = [...programs.keys()];

/** Returns what the programs would refuse, with the reason. @param complete whether arguments may be missing. */
function refused(commands: readonly string[], complete: boolean): string[] {
  return commands.flatMap((line) =>
    wordsOf(line).flatMap(([name = "", ...args]) => {
      const program = programs.get(name);
      const reason = program === undefined ? undefined : refusalOf(program, args, complete);
      return reason === undefined ? [] : [`${line}: ${reason}`];
    }),
  );
}

describe.each(PAGES)("%s", (page) => {
  it("shows only commands that the programs accept", () => {
    const lines = commandsOf(page).map(({ line }) => line);
    expect(refused(lines, true)).toEqual([]);
    expect(refused(quotedCommands(page, names), false)).toEqual([]);
  });

  it("shows only scripts of package.json", () => {
    const { scripts } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    const shown = [...readFileSync(path.join(ROOT, page), "utf8").matchAll(/\bnpm run ([\w:]+)/g)];
    expect(shown.map(([, name]) => name!).filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe("the check of commands", () => {
  it("finds the commands of the README", () => {
    const lines = commandsOf("README.md").map(({ line }) => line);
    expect(lines).toContain("runall-swarm logs ID 12 -f");
    expect(lines).toContain("swarm-tool doctor");
    expect(quotedCommands("README.md", names)).toContain("runall-swarm explain -c Config");
  });

  it.each([
    ["runall-swarm -c Config --detatch", "no such option: --detatch"],
    ["runall-swarm --retries many -c Config", /--retries <n>: .*whole number/],
    ["runall-swarm attach", "attach needs id"],
    ["runall-swarm list 7", "list takes no 7"],
    ["swarm-tool init --local --runers 4", "no such option: --runers"],
    ["swarm-tool haltt", "swarm-tool takes no haltt"],
    ["swarm-tool resume && swarm-tool scale", "scale needs workers"],
    ["source <(swarm-tool completion tcsh)", "no such shell: tcsh"],
  ])("refuses %s", (line, reason) => {
    expect(refused([line], true)).toEqual([expect.stringMatching(reason)]);
  });

  it.each(["runall-swarm ./aloha -c Config --sim-time-limit=10s", "swarm-tool scale N", "swarm-tool delete"])(
    "accepts %s",
    (line) => {
      expect(refused([line], true)).toEqual([]);
    },
  );
});
