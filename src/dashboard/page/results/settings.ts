/** How modules that match a pattern are combined; `each` has a line for every one. */
export const OVERS = ["each", "mean", "sum", "min", "max", "count"] as const;
type Over = (typeof OVERS)[number];

export const PLOTS = ["lines", "heat map"] as const;
type Plot = (typeof PLOTS)[number];

export const COLOUR_SCALES = ["linear", "log", "quantile"] as const;
export type ColourScale = (typeof COLOUR_SCALES)[number];

/** What is shown of the results, as in the URL. Undefined axes are chosen by the data. */
export interface Settings {
  patterns: string[];
  over: Over;
  plot: Plot;
  x: string | undefined;
  /** The variable that has a line for each value, or the rows of a heat map. Empty for none. */
  line: string | undefined;
  facet: string | undefined;
  isLogX: boolean;
  isLogY: boolean;
  hasPoints: boolean;
  scale: ColourScale;
}

/** Number of scalars in a figure. */
export const MOST_PATTERNS = 8;

function oneOf<T extends string>(all: readonly T[], text: string | null): T {
  return all.find((each) => each === text) ?? all[0]!;
}

/** Returns the settings in the URL; what is unknown there is the default. */
export function settingsIn(parameters: URLSearchParams): Settings {
  const log = parameters.get("log") ?? "";
  return {
    patterns: [...new Set(parameters.getAll("s"))].slice(0, MOST_PATTERNS),
    over: oneOf(OVERS, parameters.get("over")),
    plot: oneOf(PLOTS, parameters.get("plot")),
    x: parameters.get("x") ?? undefined,
    line: axisIn(parameters.get("line")),
    facet: axisIn(parameters.get("facet")),
    isLogX: log.includes("x"),
    isLogY: log.includes("y"),
    hasPoints: parameters.get("points") === "1",
    scale: oneOf(COLOUR_SCALES, parameters.get("scale")),
  };
}

/** A minus stands for none. */
function axisIn(text: string | null): string | undefined {
  return text === "-" ? "" : (text ?? undefined);
}

/** Returns the parameter of the URL for logarithmic axes. */
export function logText(isLogX: boolean, isLogY: boolean): string {
  return `${isLogX ? "x" : ""}${isLogY ? "y" : ""}`;
}
