import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { counted } from "../base/format.ts";
import { queryText, setQuery, type CampaignData } from "../campaign-data.ts";
import { replaceTerms, termText } from "../runs/query.ts";
import { axesFor } from "./axes-for.ts";
import { ExportBar } from "./export-bar.tsx";
import { figureData, SCALAR, type FigureData, type Series } from "./figure-data.ts";
import { FigureTable } from "./figure-table.tsx";
import { HeatFigure } from "./heat-figure.tsx";
import { valuesIn, type ResultList, type ValuesAnswer } from "./items.ts";
import { LineFigure, MOST_FACETS, MOST_LINES, type FigureProps } from "./line-figure.tsx";
import { usePolled } from "./polled.ts";
import { useTheme } from "./use-theme.ts";
import { useWidth } from "./use-width.ts";
import type { Settings } from "./settings.ts";

interface SectionProps {
  campaign: CampaignData;
  settings: Settings;
  list: ResultList;
  version: string;
}

/** The figure of the chosen scalars, with its values as a table, or a note why there is none. */
export function FigureSection({ campaign, settings, list, version }: SectionProps): JSX.Element {
  const { patterns, over } = settings;
  const suffix = over === "each" ? "" : `&over=${over}`;
  const paths = patterns.map(
    (pattern) => `${campaign.path}/values?pattern=${encodeURIComponent(pattern)}${suffix}`,
  );
  const { answers, failure } = usePolled<ValuesAnswer>(paths, version);
  const chosen = axesFor(campaign, settings);
  const [rows, variables] = [campaign.matching.value, campaign.variables.value];
  const series = useMemo(() => seriesOf(answers.value ?? [], settings), [answers.value, over]);
  // the cells of a heat map have one value
  const axes = settings.plot === "heat map" && series.length > 1 ? { ...chosen, facet: SCALAR } : chosen;
  const data = useMemo(
    () => figureData(rows, variables, series, axes),
    [rows, variables, series, axes.x, axes.line, axes.facet],
  );
  if (answers.value === undefined)
    return failure.value === "" ? <p class="quiet">Loading values…</p> : <p class="error">{failure.value}</p>;
  const reason = whyEmpty(data, series, settings);
  const isComplete = answers.value.every(({ unread }) => unread === 0);
  const omitted = answers.value.reduce((sum, answer) => sum + answer.omitted, 0);
  return (
    <>
      {failure.value !== "" && <p class="note error">{`The values are not up to date: ${failure.value}`}</p>}
      {reason === undefined ? (
        <Drawn {...{ campaign, data, axes, settings, list, isComplete }} />
      ) : (
        <p class="empty-figure" role="status">
          {reason}
        </p>
      )}
      {omitted > 0 && (
        <p class="note">{`${counted(omitted, "scalar")} omitted: choose a narrower pattern, or combine the modules.`}</p>
      )}
    </>
  );
}

function seriesOf(answers: readonly ValuesAnswer[], { over, patterns }: Settings): Series[] {
  return answers.flatMap(({ series }, index) =>
    series.map(({ module, name, unit, values }) => ({
      label: over === "each" ? `${module}.${name}` : `${over} of ${patterns[index] ?? name}`,
      unit: over === "count" ? null : unit,
      values: valuesIn(values),
    })),
  );
}

/** Returns why there is nothing to draw; undefined if there is. */
function whyEmpty(
  data: FigureData,
  series: readonly Series[],
  { patterns, isLogY, isLogX, plot }: Settings,
): string | undefined {
  if (series.length === 0)
    return `No scalar matches ${patterns.join(" or ")} in the runs that have ended so far.`;
  const points = data.facets.flatMap(({ lines }) => lines.flatMap((line) => line.points));
  if (points.length === 0) return "None of the runs that match the filter has a value of this scalar.";
  const finite = points.filter(({ summary }) => summary.n > 0);
  if (finite.length === 0) return "All values are NaN or infinite.";
  if (plot === "heat map") return undefined;
  if (isLogY && finite.every(({ summary }) => summary.mean <= 0))
    return "No mean is positive: a logarithmic axis cannot show them.";
  if (isLogX && data.hasNumbers && finite.every(({ xNumber }) => xNumber <= 0))
    return "No value of the x axis is positive: a logarithmic axis cannot show them.";
  return undefined;
}

/** Returns what the figure does not show. @param isComplete whether the results of all ended runs have been read. */
function limitsOf(data: FigureData, { isLogX, isLogY, plot }: Settings, isComplete: boolean): string[] {
  const lines = Math.max(...data.facets.map((facet) => facet.lines.length));
  const points = data.facets.flatMap((facet) => facet.lines.flatMap((line) => line.points));
  const isHeat = plot === "heat map";
  const single = points.filter(({ summary }) => summary.n === 1).length;
  const notPositive = points.filter(
    ({ summary, xNumber }) => (isLogY && summary.mean <= 0) || (isLogX && data.hasNumbers && xNumber <= 0),
  ).length;
  return [
    isComplete && data.missing > 0 && `${counted(data.missing, "completed run")} without a value.`,
    single > 0 && `${counted(single, "point")} with only one value (n < 2): without a confidence interval.`,
    !isHeat && notPositive > 0 && `${counted(notPositive, "point")} not positive: not on a logarithmic axis.`,
    isLogX &&
      !isHeat &&
      !data.hasNumbers &&
      "The x axis has texts, or different units: it is not logarithmic.",
    !isHeat &&
      lines > MOST_LINES &&
      `Only the first ${MOST_LINES} of ${lines} lines are drawn: the table has all.`,
    data.facets.length > MOST_FACETS &&
      `Only the first ${MOST_FACETS} of ${data.facets.length} facets are drawn.`,
  ].filter((note) => note !== false);
}

interface DrawnProps extends Pick<FigureProps, "data" | "axes" | "settings"> {
  campaign: CampaignData;
  list: ResultList;
  isComplete: boolean;
}

function Drawn({ campaign, data, axes, settings, list, isComplete }: DrawnProps): JSX.Element {
  const { place, width } = useWidth();
  const hovered = useSignal<string | undefined>(undefined);
  const theme = useTheme();
  const Figure = settings.plot === "heat map" ? HeatFigure : LineFigure;
  const choose = (x: string, line: string): void => {
    const chosen = [[axes.x, x] as const, [axes.line, line] as const].filter(([name]) => name !== "");
    const terms = Object.fromEntries(chosen.map(([name, value]) => [name, termText(name, "=", value)]));
    setQuery(replaceTerms(queryText.value, new Set(campaign.fields.value.keys()), terms), { push: true });
  };
  return (
    <>
      <div ref={place} class="figure">
        {width.value > 0 && (
          <Figure
            {...{ data, axes, settings, theme }}
            width={width.value}
            onHover={(text) => (hovered.value = text)}
            onChoose={choose}
          />
        )}
      </div>
      <p class="hovered quiet">
        {hovered.value ?? `${explained(data)}. A click filters the runs of a point.`}
      </p>
      {[...data.notes, ...limitsOf(data, settings, isComplete)].map((note) => (
        <p key={note} class="note warning">
          {note}
        </p>
      ))}
      <ExportBar campaign={campaign} data={data} axes={axes} settings={settings} list={list} />
      <FigureTable data={data} axes={axes} />
    </>
  );
}

/** Returns what a point is. */
function explained({ facets }: FigureData): string {
  const numbers = facets.flatMap(({ lines }) =>
    lines.flatMap(({ points }) => points.map(({ summary }) => summary.n)),
  );
  const least = numbers.reduce((one, other) => Math.min(one, other));
  const most = numbers.reduce((one, other) => Math.max(one, other));
  return `Mean of n = ${least === most ? least : `${least} to ${most}`} with 95 % confidence interval (Student’s t)`;
}
