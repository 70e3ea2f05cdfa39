import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { compareValues } from "../../../model/quantities.ts";
import type { Row } from "../base/data.ts";
import { parameters, setParameters } from "../base/location.tsx";
import { StateBar } from "../base/state-bar.tsx";
import { statesText } from "../base/states.ts";
import { queryText, setQuery, type CampaignData } from "../campaign-data.ts";
import { replaceTerms, termText } from "./query.ts";

const REPETITION = "repetition";
const NOTHING = "";
/** Number of values of a variable that are still readable in a map, and that a browser draws quickly. */
const MOST_VALUES = 100;

interface MapData {
  lines: string[];
  columns: string[];
  cells: Map<string, Record<string, number>>;
}

/** A table of runs by two iteration variables, with their states. A click on a cell shows its runs. */
export function StateMap({ campaign }: { campaign: CampaignData }): JSX.Element | null {
  const variables = campaign.variables.value;
  const axes = axesOf(campaign.rows.value, variables);
  const [down, across] = [
    parameters.value.get("rows") ?? axes[0]!,
    parameters.value.get("columns") ?? axes[1]!,
  ];
  const data = useComputed(() => {
    const [rows, names] = [campaign.rows.value, campaign.variables.value];
    const [first, second] = axesOf(rows, names);
    const place = [parameters.value.get("rows") ?? first!, parameters.value.get("columns") ?? second!];
    return mapData(rows, campaign.matching.value, readerOf(place[0]!, names), readerOf(place[1]!, names));
  }).value;
  const names = [...variables.map((name) => `$${name}`), REPETITION];
  const isCut = Math.max(data.lines.length, data.columns.length) > MOST_VALUES;
  return (
    <section aria-label="map of states">
      <div class="bar-line">
        <h2>Map</h2>
        <Chooser label="rows" value={down} names={names} />
        <span aria-hidden="true">×</span>
        <Chooser label="columns" value={across} names={[...names.filter((name) => name !== down), NOTHING]} />
        {isCut && <span class="quiet">{`only the first ${MOST_VALUES} values of each variable`}</span>}
      </div>
      <div class="scroll map-place" tabIndex={0} role="region" aria-label="map">
        <MapTable data={data} down={down} across={across} campaign={campaign} />
      </div>
    </section>
  );
}

function Chooser({ label, value, names }: { label: string; value: string; names: string[] }): JSX.Element {
  return (
    <select
      aria-label={label}
      value={value}
      onChange={(event) => setParameters({ [label]: event.currentTarget.value || "-" })}
    >
      {names.map((name) => (
        <option key={name} value={name}>
          {name === NOTHING ? "nothing" : name}
        </option>
      ))}
    </select>
  );
}

/** Returns the variables with the most values, in their order, for rows and columns. */
function axesOf(rows: readonly Row[], variables: readonly string[]): string[] {
  const many = variables.filter((_, index) => new Set(rows.map(({ values }) => values[index])).size > 1);
  return [...many.map((name) => `$${name}`), REPETITION, NOTHING].slice(0, 2);
}

type Reader = (row: Row) => string;

/** Returns a function that reads the value of a variable, of the repetition, or of nothing. */
function readerOf(name: string, variables: readonly string[]): Reader {
  if (name === REPETITION) return ({ repetition }) => `${repetition}`;
  const index = variables.findIndex((variable) => `$${variable}` === name);
  return ({ values }) => values[index] ?? "";
}

/** Returns the map of the matching runs. All runs have their lines and columns, so that a filter moves none. */
function mapData(rows: readonly Row[], matching: readonly Row[], down: Reader, across: Reader): MapData {
  const cells: MapData["cells"] = new Map();
  for (const row of matching) {
    const key = `${down(row)}\0${across(row)}`;
    const states = cells.get(key) ?? {};
    states[row.state] = (states[row.state] ?? 0) + 1;
    cells.set(key, states);
  }
  const [lines, columns] = [down, across].map((read) => [...new Set(rows.map(read))].sort(compareValues));
  return { lines: lines!, columns: columns!, cells };
}

interface TableProps {
  data: MapData;
  down: string;
  across: string;
  campaign: CampaignData;
}

function MapTable({ data: { lines, columns, cells }, down, across, campaign }: TableProps): JSX.Element {
  const names = new Set(campaign.fields.value.keys());
  const shown = columns.slice(0, MOST_VALUES);
  const isKnown = (name: string): boolean => names.has(name);
  const choose = (line: string, column: string): void => {
    const chosen = [
      [down, line],
      [across, column],
    ] as const;
    const terms = chosen
      .filter(([name]) => isKnown(name))
      .map(([name, value]) => [name, termText(name, "=", value)]);
    setQuery(replaceTerms(queryText.value, names, Object.fromEntries(terms) as Record<string, string>), {
      push: true,
    });
  };
  return (
    <table class="map">
      <thead>
        <tr>
          <td class="corner">
            {isKnown(across) && <div class="across">{`${across} →`}</div>}
            <div>{`${down} ↓`}</div>
          </td>
          {shown.map((column) => (
            <th key={column} scope="col">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {lines.slice(0, MOST_VALUES).map((line) => (
          <tr key={line}>
            <th scope="row">{line}</th>
            {shown.map((column) => {
              const states = cells.get(`${line}\0${column}`);
              if (states === undefined) return <td key={column} class="none" />;
              const place = [isKnown(down) && `${down}=${line}`, isKnown(across) && `${across}=${column}`];
              const title = `${place.filter(Boolean).join(", ")}: ${statesText(states)}`;
              return (
                <td key={column}>
                  <button type="button" title={title} aria-label={title} onClick={() => choose(line, column)}>
                    <StateBar states={states} style="cell-bar" />
                  </button>
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
