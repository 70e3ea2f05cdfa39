import type { Row } from "../base/data.ts";
import { plain, REPETITION, SCALAR, type Axes, type FigureData } from "./figure-data.ts";
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
export function pythonOf(settings: Settings, axes: Axes, campaign: ScriptCampaign): string {
  const { config, study, id, rows, hasParameters } = campaign;
  const query = `runattr:configname =~ ${inQuotes(config)} AND (${settings.patterns.map(filterOf).join(" OR ")})`;
  const column = (name: string): string =>
    name === REPETITION ? "repetition" : name === SCALAR ? "scalar" : plain(name);
  const by = [axes.facet, axes.line, axes.x].filter((name) => name !== "").map(column);
  const groups = [...by.filter((name) => name !== "scalar").slice(0, -1), "scalar", column(axes.x)];
  const numbers = rows?.map(({ runNumber }) => runNumber).join(", ");
  return `# Campaign ${id} of ${study}: execute this in the study's folder, with OMNeT++'s Python packages:
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
df["runnumber"] = df["runnumber"].astype(int)
${numbers === undefined ? "" : `df = df[df["runnumber"].isin([${numbers}])]\n`}${combination(settings)}
df["value_x"] = pd.to_numeric(df[${pythonText(column(axes.x))}].astype(str).str.extract(r"^([-+0-9.eE]+)")[0], errors="coerce")
groups = df.groupby(${JSON.stringify(groups.slice(0, -1))} + ["value_x", ${pythonText(column(axes.x))}])["value"]
table = groups.agg(["count", "mean", "sem"]).reset_index()
table["half_width"] = table["sem"] * stats.t.ppf(0.975, table["count"] - 1)
print(table.to_string())

for name, line in table.groupby(${JSON.stringify(groups.slice(0, -1))}):
    line = line.sort_values("value_x")
    plt.errorbar(line["value_x"], line["mean"], yerr=line["half_width"], capsize=3, marker="o", label=", ".join(map(str, name)))
plt.xlabel(${pythonText(plain(axes.x))})
plt.ylabel(${pythonText(settings.patterns.join(", "))})
${settings.isLogX ? 'plt.xscale("log")\n' : ""}${settings.isLogY ? 'plt.yscale("log")\n' : ""}plt.legend()
plt.show()
`;
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
