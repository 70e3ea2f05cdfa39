import type { Row } from "../base/data.ts";
import { plain, SCALAR, type Axes, type FigureData } from "./figure-data.ts";
import type { Settings } from "./settings.ts";

/** Returns a figure's points as a table in CSV. @see RFC 4180 */
export function csvOf({ facets }: FigureData, axes: Axes): string {
  const head = [
    "facet",
    "line",
    plain(axes.x),
    "n",
    "mean",
    "ci95_half_width",
    "standard_deviation",
    "min",
    "max",
  ];
  const lines = facets.flatMap((facet) =>
    facet.lines.flatMap((line) =>
      line.points.map(({ x, summary: { n, mean, halfWidth, standardDeviation, min, max } }) =>
        [facet.label, line.label, x, n, mean, halfWidth ?? "", standardDeviation ?? "", min, max].map(
          csvField,
        ),
      ),
    ),
  );
  return [head.map(csvField), ...lines].map((fields) => `${fields.join(",")}\r\n`).join("");
}

/** A text that begins like a formula would be executed by a spreadsheet. */
const FORMULA = /^[=@\t\r]|^[+-](?![\d.]|Inf)/;

function csvField(value: string | number): string {
  const text = FORMULA.test(`${value}`) ? `'${value}` : `${value}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What a script has to know about the campaign. */
export interface ScriptCampaign {
  config: string;
  study: string;
  id: string;
  /** The runs of the figure; undefined for all. */
  rows: readonly Row[] | undefined;
  hasParameters: boolean;
}

/**
 * Returns a Python script that draws a figure from the result files.
 * @see OMNeT++ Simulation Manual, "Result Recording and Analysis", module `omnetpp.scave.results`.
 */
export function pythonOf(settings: Settings, axes: Axes, data: FigureData, campaign: ScriptCampaign): string {
  const { config, study, id, rows, hasParameters } = campaign;
  const query = `runattr:configname =~ ${inQuotes(config)} AND (${settings.patterns.map(filterOf).join(" OR ")})`;
  const places = Object.fromEntries(data.xValues.map((x, index) => [x, placeOf(x, index, data)]));
  const numbers = rows?.map(({ runNumber }) => runNumber).join(", ");
  const scalar = data.hasSeveralScalars && axes.facet !== SCALAR ? SCALAR : "";
  const lines = [axes.line, scalar].filter((name) => name !== "").map(column);
  return `# Campaign ${oneLine(id)} of ${oneLine(study)}: execute this in the study's folder, with OMNeT++'s Python packages:
#   source OMNETPP_FOLDER/setenv; python3 -m pip install -r OMNETPP_FOLDER/python/requirements.txt
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from omnetpp.scave import results
from scipy import stats

results.set_inputs(["results/"])
query = ${pythonText(query)}
options = dict(include_runattrs=True, include_itervars=True)
df = results.get_scalars(query, include_fields=True, **options)
${hasParameters ? `df = pd.concat([df, results.get_parameters(query, **options)])\n` : ""}df["value"] = pd.to_numeric(df["value"], errors="coerce").replace([np.inf, -np.inf], np.nan)
${numbers === undefined ? "" : `df = df[df["runnumber"].astype(int).isin([${numbers}])]\n`}${combination(settings)}
df["facet"] = ${axes.facet === "" ? '""' : column(axes.facet)}
df["line"] = ${lines.length === 0 ? '""' : lines.join(' + ", " + ')}
places = ${JSON.stringify(places)}  # of the values on the x axis
df["x"] = ${column(axes.x)}.map(places)

table = df.groupby(["facet", "line", "x"])["value"].agg(["count", "mean", "sem"]).reset_index()
table["half_width"] = table["sem"] * stats.t.ppf(0.975, table["count"] - 1)
print(table.to_string())

facets = table["facet"].unique()
figure, panels = plt.subplots(1, len(facets), squeeze=False, sharey=True, layout="constrained", figsize=(6 * len(facets), 5))
for facet, panel in zip(facets, panels[0]):
    points = table[table["facet"] == facet]
${settings.plot === "heat map" ? HEAT_MAP : LINES}    panel.set_title(facet)
    panel.set_xlabel(${pythonText(data.xUnit === "" ? plain(axes.x) : `${plain(axes.x)} [${data.xUnit}]`)})
${axisLines(settings, data)}panels[0][0].set_ylabel(${pythonText(settings.plot === "heat map" ? plain(axes.line) : data.yLabel)})
plt.show()
`;
}

const LINES = `    for name, line in points.groupby("line", sort=False):
        panel.errorbar(line["x"], line["mean"], yerr=line["half_width"], capsize=3, marker="o", label=name)
    panel.legend()
`;
const HEAT_MAP = `    grid = points.pivot(index="line", columns="x", values="mean")
    colours = panel.imshow(grid, origin="lower", aspect="auto", cmap="viridis")
    panel.set_xticks(range(len(grid.columns)), [name for name in places if places[name] in grid.columns])
    panel.set_yticks(range(len(grid.index)), grid.index)
    figure.colorbar(colours, ax=panel)
`;

function axisLines({ plot, isLogX, isLogY }: Settings, { hasNumbers }: FigureData): string {
  if (plot === "heat map") return "";
  const lines = [
    isLogX && hasNumbers && 'panel.set_xscale("log")',
    isLogY && 'panel.set_yscale("log")',
    !hasNumbers && "panel.set_xticks(list(places.values()), list(places))",
  ];
  return lines.map((line) => (line === false ? "" : `    ${line}\n`)).join("");
}

/** Returns where a value is on the x axis: its number, or its index among texts. */
function placeOf(x: string, index: number, { facets, hasNumbers }: FigureData): number {
  const points = facets.flatMap(({ lines }) => lines.flatMap((line) => line.points));
  return hasNumbers ? (points.find((point) => point.x === x)?.xNumber ?? index) : index;
}

/** Returns a variable's column of the data frame as text. */
function column(name: string): string {
  return `df[${pythonText(plain(name))}].astype(str)`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ");
}

/** Combines the modules of each run, or keeps them as lines of their own. */
function combination({ over }: Settings): string {
  if (over === "each") return 'df["scalar"] = df["module"] + "." + df["name"]';
  return `keys = [name for name in df.columns if name not in ("module", "value")]
df = df.groupby(keys, dropna=False)["value"].${over}().reset_index()
df["scalar"] = df["name"]`;
}

/** Returns the filter expression for a pattern of module and name. */
function filterOf(pattern: string): string {
  const dot = pattern.replace(/\{[^}]*\}/g, (set) => "x".repeat(set.length)).lastIndexOf(".");
  const [module, name] = dot < 0 ? ["**", pattern] : [pattern.slice(0, dot), pattern.slice(dot + 1)];
  return `(module =~ ${inQuotes(module)} AND name =~ ${inQuotes(name)})`;
}

function inQuotes(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** JSON's strings are also Python's. */
function pythonText(text: string): string {
  return JSON.stringify(text);
}
