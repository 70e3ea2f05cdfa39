import { explainCampaign, type Facts } from "../../campaign/run/explain.ts";
import type { CampaignLimits } from "../../campaign/plan/plan.ts";
import type { CampaignRequest } from "../../campaign/plan/request.ts";
import { EXIT, type CommandContext } from "../terminal/command.ts";
import { forPeople } from "../terminal/for-people.ts";
import { printableLine, printableValue } from "../terminal/printable.ts";
import { version } from "../terminal/version.ts";
import { limitFacts } from "./show-limits.ts";

/** Maximum number of entries of a list; JSON and `--verbose` have all of them. */
const MAX_LINES = 20;

/** Prints what would be built, sent and executed, and why: for the user, and for bug reports. Returns the exit code. */
export async function explainStudy(
  request: CampaignRequest,
  { json, verbose, limits }: { json: boolean; verbose: boolean; limits: CampaignLimits },
  { stdout, interrupt }: CommandContext,
): Promise<number> {
  const all: Record<string, Facts> = {};
  const show = (name: string, facts: Facts): void => {
    all[name] = facts;
    if (!json) stdout.write(forPeople(describe(name, facts, verbose ? Infinity : MAX_LINES), stdout));
  };
  try {
    const { platform, arch } = process;
    show("inet-swarm", { version: version(), node: process.version, system: `${platform} ${arch}` });
    show("limits", limitFacts(limits));
    for await (const { name, facts } of explainCampaign(request, interrupt)) show(name, facts);
  } finally {
    if (json) stdout.write(`${JSON.stringify(printableValue(all), null, 2)}\n`);
  }
  return EXIT.done;
}

/** Returns the label for a key: `NED folders` for `nedFolders`. */
function labelOf(key: string): string {
  const words = key.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words.replace(/^ned\b/, "NED");
}

function describe(name: string, facts: Facts, most: number): string {
  const lines = Object.entries(facts).flatMap(([key, value]) => {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return [];
    const label = labelOf(key);
    const texts = Array.isArray(value) ? (value as readonly string[]) : [String(value)];
    const more = texts.length - most;
    const shown = more > 0 ? [...texts.slice(0, most), `and ${more} more`] : texts;
    return shown.map(
      (text, at) => `  ${at === 0 ? `${label}:` : "".padEnd(label.length + 1)} ${printableLine(text)}\n`,
    );
  });
  return `${printableLine(name)}\n${lines.join("")}`;
}
