import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { describeSubcommands } from "../../src/cli/runall/campaign-commands.ts";
import { describeOptions } from "../../src/cli/runall/runall-options.ts";
import { refuseUnusedImageFlags } from "../../src/cli/tool/refuse-flags.ts";
import { describeProgram } from "../../src/cli/tool/swarm-tool.ts";
import { silentContext } from "../helpers/command-context.ts";

const context = silentContext();
const ignore = (): void => undefined;

/** Values of options that are accepted by their parsers. */
const VALUES: Readonly<Record<string, string>> = {
  "--timeout": "2h",
  "--memory": "3G",
  "--format": "csv",
  "--omnetpp": "6.2",
  "--env": "A=1",
  "--idle-minutes": "10",
  "--omnetpp-version": "6.2.0",
};

/** All pairs of options that commander refuses, by command; the actions of `init` and `deploy` refuse others. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  "runall-swarm": [
    "--dry-run --explain",
    "--dry-run --yes",
    "--dry-run --detach",
    "--explain --yes",
    "--explain --rerun",
    "--explain --detach",
    "--json --verbose",
    "--quiet --verbose",
  ],
  "runall-swarm attach": ["--json --verbose", "--quiet --verbose"],
  "runall-swarm retry": ["--json --verbose", "--quiet --verbose"],
  "swarm-tool resume": [
    ...["--workers", "--instance-type", "--manager-type", "--spot", "--on-demand"].map(withTakeOver),
    ...["--volume-size", "--max-hours", "--idle-minutes", "--latest-image"].map(withTakeOver),
    "--spot --on-demand",
  ],
  "swarm-tool policy": ["--account --profile"],
  "swarm-tool doctor": ["--host --context"],
};

/** Only a swarm on AWS has what these options change, and those of other machines are local. */
function withTakeOver(option: string): string {
  return `${option} --take-over`;
}

/** Returns how commands are defined, each time anew: a parsed command keeps its values. */
async function definitions(): Promise<Map<string, Command>> {
  const runall = await describeOptions(context);
  const named = (program: Command): [string, Command][] =>
    program.commands.map((each) => [`${program.name()} ${each.name()}`, each]);
  return new Map([
    [runall.name(), runall],
    ...named(describeSubcommands(context, ignore)),
    ...named(describeProgram(context, ignore)),
  ]);
}

const defined = [...(await definitions())];

function longNames(command: Command): string[] {
  return command.options.map(({ long }) => long!).filter((name) => name !== "--version");
}

/** Returns whether a command refuses two options because of each other, before its action is called. */
async function refuses(name: string, pair: readonly string[]): Promise<boolean> {
  const command = (await definitions()).get(name)!;
  const args = pair.flatMap((long) => {
    const option = command.options.find((each) => each.long === long)!;
    return option.required ? [long, VALUES[long] ?? "10"] : [long];
  });
  const positional = command.registeredArguments.filter(({ required }) => required).map(() => "1");
  command.exitOverride().action(ignore);
  try {
    await command.parseAsync([...args, ...positional], { from: "user" });
    return false;
  } catch (error) {
    if ((error as { code?: string }).code === "commander.conflictingOption") return true;
    throw error;
  }
}

describe("two options that cannot both have an effect", () => {
  it.each(defined.map(([name, command]) => [name, longNames(command)] as const))(
    "are refused by %s, and no others",
    async (name, options) => {
      const refused: string[] = [];
      for (const [at, one] of options.entries())
        for (const other of options.slice(at + 1))
          if (await refuses(name, [one, other])) refused.push(`${one} ${other}`);
      expect(refused.sort()).toEqual([...(REFUSED[name] ?? [])].sort());
    },
  );

  it.each([
    [
      { workerImage: "mine", omnetppVersion: "6.1" },
      "--omnetpp-version has no effect on your own image mine",
    ],
    [{ workerImage: "mine", omnetppArchive: "a.tgz" }, "--omnetpp-archive has no effect"],
    [{ workerImage: "mine", omnetppSha256: "0" }, "--omnetpp-sha256 has no effect"],
    [{ workerImage: "mine", distccImage: "mine", build: true as const }, "--build has no effect"],
    [{ workerImage: "mine", distccImage: "mine", registry: "r:5000" }, "--registry has no effect"],
    [{ workerImage: "mine", distccImage: "mine", baseImage: "debian" }, "--base-image has no effect"],
  ])("are refused by init and deploy: %o", (flags, message) => {
    expect(() => refuseUnusedImageFlags(flags)).toThrow(message);
  });

  it.each([
    { workerImage: "", omnetppVersion: "6.1" },
    { workerImage: "mine", omnetppVersion: "", omnetppSha256: "" },
    { workerImage: "mine", build: true as const, registry: "r:5000", baseImage: "debian" },
  ])("are not refused if both have one: %o", (flags) => {
    expect(() => refuseUnusedImageFlags(flags)).not.toThrow();
  });
});
