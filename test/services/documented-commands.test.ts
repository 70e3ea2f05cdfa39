import { cp } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { commandsOf, type DocumentedCommand } from "../helpers/documented-commands.ts";
import { makeRepository, type Repository } from "../helpers/git.ts";
import { describeWithService } from "../helpers/services.ts";
import { executeAll, prepareHome, type Executed } from "../helpers/shell-session.ts";
import { newUser, type User } from "../helpers/tool.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What stands for something of the user in the pages, with what the sample has in its place. */
const IN_SAMPLE: readonly [RegExp, string][] = [
  [/--detach -c Config/, "--detach -c Broken"],
  [/\bConfig\b|\bPureAlohaExperiment\b/, "Quick"],
  [/'\$numHosts==10'/, "'$arrivalRate==0.3'"],
  [/\.\/aloha\b/, "../src/mm1"],
  [/\bID 12 -f/, "ID 1 -f"],
  [/\bID\b/, '$(runall-swarm list --json | sed -n \'s/.*"id": *"\\([^"]*\\)".*/\\1/p\' | head -n 1)'],
];

/** Parts of documented output that differ from run to run. */
const VARYING: readonly [RegExp, string][] = [
  [/(?:\/home\/you|~)\/\\\.(?:local\/)?(?=state\/|cache\/)/g, "\\S+/"],
  [/\b\d+(?:\\\.\d+)? (?:ms|s|min|kB|MB)\b/g, "[\\d.]+ \\w+(?: \\d+ \\w+)?"],
  [/, \d+\\\.\d+× speedup/g, "(?:, [\\d.]+× speedup)?"], // only of runs that take longer than a second
  [/#\d+ .*/g, "#\\d+ .*"],
  [/\b\d+ runners\b/g, "\\d+ runners?"],
  [/pid \d+ +/g, "pid \\d+ +"],
  [/localhost:\d+/g, "localhost:\\d+"],
  [/\b[0-9a-f]{8}…/g, "[0-9a-f]+"],
  [/…/g, ".*"],
];

function patternOf(line: string): RegExp {
  const literal = line.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${VARYING.reduce((pattern, [part, any]) => pattern.replace(part, any), literal)}$`);
}

/** Returns the documented lines that the output does not have; progress is shown only in a terminal. */
function missing({ output: documented }: DocumentedCommand, { output }: Executed): string[] {
  const lasting = documented.filter((line) => !/^\d+ of \d+ runs done, /.test(line));
  return lasting.filter((line) => !output.some((printed) => patternOf(line).test(printed)));
}

const LIMIT_MS = 600_000; // dozens of commands, one after the other

describeWithService(["redis-server", "make"], "documented commands", () => {
  let user: User;
  let checkout: Repository;
  beforeAll(async () => {
    [user, checkout] = await Promise.all([newUser(), makeRepository()]);
    await prepareHome(user);
    await cp(path.join(ROOT, "examples/mm1"), path.join(checkout.path, "examples/mm1"), { recursive: true });
    await checkout.commit();
  });
  afterAll(async () => {
    await user[Symbol.asyncDispose]();
    await checkout[Symbol.asyncDispose]();
  });

  /** Executes what a page shows under some headings, after some other commands. */
  async function expectDocumented(
    page: string,
    headings: readonly string[],
    { folder = "examples/mm1/simulations", before = [] as string[], omit = /^$/ } = {},
  ): Promise<void> {
    const documented = commandsOf(page).filter((each) => headings.includes(each.heading) && !omit.test(each.line)); // prettier-ignore
    expect([...new Set(documented.map(({ heading }) => heading))]).toEqual(headings);
    const lines = documented.map(({ line }) =>
      IN_SAMPLE.reduce((text, [shown, real]) => text.replace(shown, () => real), line),
    );
    const executed = await executeAll(user, path.join(checkout.path, folder), [...before, ...lines]);
    for (const [index, command] of documented.entries()) {
      const result = executed[before.length + index]!;
      const absent = missing(command, result);
      expect({ absent, accepted: result.exitCode <= 1 }, JSON.stringify(result, undefined, 2)).toEqual({
        absent: [],
        accepted: true,
      });
    }
  }

  it(
    "of the README work as shown, from the first campaign to the removal of the swarm",
    async () => {
      await expectDocumented("README.md", ["Your first campaign", "Everyday commands"], { folder: "." });
    },
    LIMIT_MS,
  );

  it(
    "of the sample's README work with and without a swarm",
    async () => {
      const [page, headings, folder] = ["examples/mm1/README.md", ["M/M/1 queue"], "examples/mm1"];
      await expectDocumented(page, headings, { folder, omit: /Quick|make/ });
      await expectDocumented(page, headings, { folder, omit: /runall-swarm/ });
    },
    LIMIT_MS,
  );

  it(
    "of the page on campaigns work as shown",
    async () => {
      const before = [
        "runall-swarm -c Load --rerun -r 0..8",
        "rm -f results/.swarm/Load-9.json results/.swarm/Load-1[01].json",
      ];
      await expectDocumented("docs/campaigns.md", ["Which program is used", "Completed runs are not rerun"], {
        before,
      });
    },
    LIMIT_MS,
  );

  it(
    "of the pages on local swarms and the dashboard work as shown",
    async () => {
      const headings = ["A swarm on your own machine"];
      await expectDocumented("docs/local.md", headings, { before: ["swarm-tool remove --yes"] });
      await expectDocumented("docs/dashboard.md", ["Dashboard"]);
    },
    LIMIT_MS,
  );
});
