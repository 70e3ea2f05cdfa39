import type { Series } from "../../dashboard/combine.ts";
import type { ResultList } from "../../dashboard/results.ts";
import { UserError } from "../../errors.ts";
import { namePattern } from "../../model/name-pattern.ts";
import { nearest } from "../../model/near.ts";
import { fullName } from "../../model/result-item.ts";
import { shellWord } from "../../model/shell-word.ts";
import type { CommandContext } from "../terminal/command.ts";
import { forPeople } from "../terminal/for-people.ts";
import { count, fitTable, formatTable } from "../terminal/format.ts";
import { printable, printableJson, printableLine } from "../terminal/printable.ts";
import { withResults, type ShownResults } from "./results-campaign.ts";
import { itemTable } from "./results-list.ts";
import {
  crossTable,
  csv,
  figuresOf,
  groupingOf,
  groupsOf,
  longTable,
  type Group,
  type Grouping,
} from "./results-table.ts";

type Format = "table" | "csv" | "json";

export interface ResultsOptions {
  swarm?: string;
  /** Pattern of the items to show; undefined: list all. */
  scalar?: string;
  /** Names of iteration variables. */
  by?: string;
  format?: Format;
}

/** Maximum number of tables to print. */
const MOST_TABLES = 20;
/** Maximum number of lines of the list of items. */
const MOST_LINES = 500;

/** What is printed: tables and facts about the campaign. */
interface Output {
  /** The results themselves. */
  print: (text: string) => void;
  /** What else the user should know. */
  note: (text: string) => void;
  context: CommandContext;
  format: Format;
}

/** Prints the results of a campaign: which there are, or a table of each that matches a pattern. */
export async function showResults(
  id: string,
  { swarm, scalar, by, format = "table" }: ResultsOptions,
  context: CommandContext,
): Promise<void> {
  const { stdout, stderr } = context;
  const asked = by?.split(",").map((name) => name.trim().replace(/^\$/, ""));
  if (asked !== undefined && scalar === undefined)
    throw new UserError("--by needs --scalar", { hint: "name a scalar, as in --scalar '**.delay:mean'" });
  if (asked !== undefined && asked.length > 2)
    throw new UserError("--by: name at most two variables, one for the rows and one for the columns");
  const matches = scalar === undefined ? undefined : namePattern(scalar);
  const warn = (text: string): void =>
    void stderr.write(`${forPeople(`warning: ${printable(text)}`, stderr)}\n`);
  const notes = format === "table" ? stdout : stderr;
  const output: Output = {
    context,
    format,
    print: (text) => void stdout.write(text),
    note: (text) => void notes.write(`${forPeople(printableLine(text), notes)}\n`),
  };
  await withResults(id, swarm, warn, async (shown) => {
    const list = shown.results.list();
    reportRuns(shown, list, output);
    if (matches === undefined) return printItems(shown, list, output);
    await printTables(shown, list, { pattern: scalar!, matches, asked }, output);
  });
}

/** Reports how many runs are included, and why others are not. */
function reportRuns(
  { view: { campaign, rows } }: ShownResults,
  { runs, problems }: ResultList,
  { note }: Output,
): void {
  const states = new Map<string, number>();
  const superseded = new Map<string, number>();
  const add = (counts: Map<string, number>, key: string): void =>
    void counts.set(key, (counts.get(key) ?? 0) + 1);
  for (const { state, supersededBy } of rows.values()) {
    if (supersededBy !== undefined) add(superseded, supersededBy);
    else if (state !== "done") add(states, state);
  }
  const others = [...states].map(([state, number]) => `${number} ${state}`);
  const unknown = campaign.runs - rows.size;
  if (unknown > 0) others.push(`${unknown} without a record here`);
  const details = others.length === 0 ? "" : ` (${others.join(", ")})`;
  note(
    `campaign ${campaign.id}, ${campaign.config}: results of ${runs} of ${count(campaign.runs, "run")}${details}`,
  );
  for (const [later, number] of superseded)
    note(`${count(number, "run")} not included: executed again by campaign ${later}`);
  if (campaign.skipped !== undefined && campaign.skipped > 0)
    note(`${count(campaign.skipped, "run")} not included: completed in an earlier campaign`);
  for (const { runs: number, reason } of problems) note(`${count(number, "run")} not included: ${reason}`);
}

function printItems(
  { view: { campaign } }: ShownResults,
  { items, omitted }: ResultList,
  { context: { stdout }, format, print, note }: Output,
): void {
  if (omitted > 0) note(`${omitted} items not included: there are too many`);
  if (format === "csv") {
    const rows = items.map(({ module, name, unit, kind, runs }) => [module, name, unit, kind, runs]);
    return print(csv([["module", "name", "unit", "kind", "runs"], ...rows]));
  }
  if (format === "json") return print(`${printableJson({ campaign: campaign.id, items }, 2)}\n`);
  if (items.length === 0) return note("no results yet");
  const rows = itemTable(items);
  printTable(rows.slice(0, MOST_LINES + 1), stdout, print);
  if (rows.length > MOST_LINES + 1)
    note(`… and ${rows.length - 1 - MOST_LINES} more; for all of them: --format csv`);
  note(`for the values of one, run: runall-swarm results ${campaign.id} --scalar ${shellWord(rows[1]![0]!)}`);
}

/** A table of one item. */
interface Table {
  series: Series;
  groups: Group[];
}

async function printTables(
  { view, results }: ShownResults,
  list: ResultList,
  {
    pattern,
    matches,
    asked,
  }: { pattern: string; matches: (name: string) => boolean; asked: string[] | undefined },
  { context: { stdout }, format, print, note }: Output,
): Promise<void> {
  const { series, omitted } = await results.values(matches);
  if (series.length === 0) throw nothingMatches(pattern, list, view.campaign.id);
  const { variables, rows: runs } = view;
  const used = new Set(series.flatMap(({ values }) => values.map(([run]) => run)));
  const grouping = groupingOf(
    variables,
    [...used].map((run) => runs.get(run)!),
    asked,
  );
  const most = format === "table" ? MOST_TABLES : series.length;
  const tables = series
    .slice(0, most)
    .map((each): Table => ({ series: each, groups: groupsOf(each, variables, runs, grouping) }));
  const left = omitted + series.length - tables.length;
  if (format === "csv") print(asCsv(grouping, tables));
  else if (format === "json") {
    const facts = { campaign: view.campaign.id, runs: list.runs, of: view.campaign.runs, ...grouping };
    print(`${printableJson({ ...facts, tables: tables.map((table) => asJson(grouping, table)) }, 2)}\n`);
  } else
    for (const { series: one, groups } of tables) {
      print(`\n${printableLine(fullName(one))}${one.unit === null ? "" : printableLine(` [${one.unit}]`)}\n`);
      const isCross = asked?.length === 2;
      printTable(isCross ? crossTable(grouping, groups) : longTable(grouping, groups), stdout, print);
    }
  if (format === "table") print("\n");
  explain(grouping, tables, { left, isCross: asked?.length === 2 && format === "table" }, note);
}

/** Prints what the figures of tables mean. */
function explain(
  { averagedOver }: Grouping,
  tables: readonly Table[],
  { left, isCross }: { left: number; isCross: boolean },
  note: Output["note"],
): void {
  const groups = tables.flatMap((table) => table.groups);
  if (groups.some(({ halfWidth }) => halfWidth !== undefined))
    note(
      `mean ± half-width of its 95 % confidence interval (Student's t over n runs)${isCross ? "; (n)" : ""}`,
    );
  if (averagedOver.length > 0)
    note(
      `averaged over ${averagedOver.join(", ")}, which ${averagedOver.length > 1 ? "vary" : "varies"}, too: intervals include the effect`,
    );
  if (groups.some(({ n }) => n === 1)) note("no interval where n is 1: it needs several repetitions");
  const excluded = groups.reduce((sum, group) => sum + group.excluded, 0);
  if (excluded > 0) note(`${count(excluded, "value")} ignored: NaN or infinite`);
  if (left > 0) note(`${left} more scalars match; choose a narrower pattern`);
}

function printTable(
  rows: readonly string[][],
  { isTTY, columns }: CommandContext["stdout"],
  print: Output["print"],
): void {
  const safe = rows.map((row) => row.map(printableLine));
  const lines = isTTY ? fitTable(safe, columns) : formatTable(safe);
  for (const line of lines) print(`${line}\n`);
}

function asCsv({ by }: Grouping, tables: readonly Table[]): string {
  const rows = tables.flatMap(({ series: { module, name, unit }, groups }) =>
    groups.map((group) => [module, name, unit, ...group.values, ...Object.values(figuresOf(group))]),
  );
  const figures = ["n", "mean", "halfWidth", "standardDeviation", "min", "max", "excluded"];
  return csv([["module", "name", "unit", ...by, ...figures], ...rows]);
}

function asJson({ by }: Grouping, { series: { module, name, unit }, groups }: Table): object {
  return {
    module,
    name,
    unit,
    groups: groups.map((group) => ({
      values: Object.fromEntries(by.map((variable, at) => [variable, group.values[at]])),
      ...figuresOf(group),
    })),
  };
}

function nothingMatches(pattern: string, { items, runs }: ResultList, id: string): UserError {
  if (runs === 0)
    return new UserError("no run has results yet", {
      hint: `to see how its runs are doing, run: runall-swarm logs ${id}`,
    });
  const names = [...new Set(items.flatMap((item) => [fullName(item), `**.${item.name}`]))];
  const [near] = nearest(pattern.includes(".") ? pattern : `**.${pattern}`, names);
  const meant = near === undefined ? "" : `did you mean ${shellWord(near)}? `;
  return new UserError(`no scalar matches ${JSON.stringify(pattern)}`, {
    hint: `${meant}list the scalars with: runall-swarm results ${id}`,
  });
}
