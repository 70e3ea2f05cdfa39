import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { errorCode } from "../errors.ts";
import { chunks } from "../queue/campaign-list.ts";
import type { CampaignView } from "./campaign-view.ts";
import type { Row } from "./row.ts";
import type { DashboardSources } from "./sources.ts";

const FILES_AT_ONCE = 16;
/** Names are those of the first files that are there; all runs of a config record more or less the same. */
const FILES_FOR_NAMES = 3;

/**
 * `scalar <module> <name> <value>`; module and name are quoted where they hold spaces.
 * @see OMNeT++ Simulation Manual, appendix "Result File Formats".
 */
const SCALAR = /^scalar\s+("(?:[^"\\]|\\.)*"|\S+)\s+("(?:[^"\\]|\\.)*"|\S+)\s+(\S+)$/;

/** The scalars that a campaign's files record, as `module name`. */
export async function scalarNames(view: CampaignView, sources: DashboardSources): Promise<string[]> {
  const names = new Set<string>();
  for (const row of rowsWithScalars(view).slice(0, FILES_FOR_NAMES))
    for await (const [name] of scalarsIn(view, row, sources)) names.add(name);
  return [...names].sort();
}

/** The value of one scalar in every run that records it, by run number. */
export async function scalarValues(
  view: CampaignView,
  name: string,
  sources: DashboardSources,
): Promise<[runNumber: number, value: number][]> {
  const values: [number, number][] = [];
  for (const some of chunks(rowsWithScalars(view), FILES_AT_ONCE)) {
    const found = await Promise.all(some.map((row) => valueIn(view, row, name, sources)));
    found.forEach((value, index) => {
      if (value !== undefined) values.push([some[index]!.runNumber, value]);
    });
  }
  return values;
}

function rowsWithScalars({ rows }: CampaignView): Row[] {
  return [...rows.values()].filter((row) => row.scalars !== undefined);
}

async function valueIn(
  view: CampaignView,
  row: Row,
  wanted: string,
  sources: DashboardSources,
): Promise<number | undefined> {
  for await (const [name, value] of scalarsIn(view, row, sources)) if (name === wanted) return value;
  return undefined;
}

/** A file that is gone has none. */
async function* scalarsIn(
  { campaign }: CampaignView,
  { scalars }: Row,
  sources: DashboardSources,
): AsyncGenerator<[name: string, value: number]> {
  const file = scalars === undefined ? undefined : sources.resultFile(campaign, scalars);
  if (file === undefined) return;
  const input = createReadStream(file);
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      const [, module, name, value] = SCALAR.exec(line) ?? [];
      if (value === undefined) continue;
      const number = Number(value);
      if (!Number.isNaN(number)) yield [`${unquoted(module!)} ${unquoted(name!)}`, number];
    }
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  } finally {
    input.destroy();
  }
}

function unquoted(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, "$1") : text;
}
