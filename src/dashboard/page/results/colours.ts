import { scaleLinear, scaleLog } from "d3-scale";
import type { ColourScale } from "./settings.ts";

/** The colours of a figure as values, because an exported file has no style sheet. */
export interface Theme {
  back: string;
  text: string;
  quiet: string;
  grid: string;
  lines: readonly string[];
}

/** Distinguishable with any colour vision. @see Okabe and Ito, "Color Universal Design" (2008) */
export const LIGHT: Theme = {
  back: "#ffffff",
  text: "#1d2426",
  quiet: "#5f6b6e",
  grid: "#e3e7e6",
  lines: ["#0072b2", "#d55e00", "#009e73", "#aa4499", "#b8860b", "#3b8fc4", "#5b5b5b", "#882255"],
};
export const DARK: Theme = {
  back: "#1b2223",
  text: "#e4e9e8",
  quiet: "#9aa6a8",
  grid: "#303a3b",
  lines: ["#56b4e9", "#ff9a57", "#3fcf9f", "#e79ac6", "#f0d442", "#9fc5ff", "#c4c4c4", "#ff8fa3"],
};

/** Viridis: its lightness grows evenly, so that it is readable with any colour vision and in print. */
const VIRIDIS = [
  "#440154",
  "#482878",
  "#3e4989",
  "#31688e",
  "#26828e",
  "#1f9e89",
  "#35b779",
  "#6ece58",
  "#b5de2b",
  "#fde725",
];

const ramp = scaleLinear<string>()
  .domain(VIRIDIS.map((_, index) => index / (VIRIDIS.length - 1)))
  .range(VIRIDIS)
  .clamp(true);

/** Where the colour of a text on the ramp changes. */
const LIGHT_FROM = 0.55;

export interface Colours {
  /** Undefined if the value has no colour: it is not positive on a logarithmic scale. */
  of: (value: number) => { back: string; front: string } | undefined;
  /** Values with their places on the bar, from 0 to 1. */
  ticks: { value: number; place: number }[];
}

/** Returns the colour at a place from 0 to 1. */
export function rampAt(place: number): string {
  return ramp(place);
}

/** Returns the colours of finite values. */
export function coloursFor(values: readonly number[], scale: ColourScale): Colours {
  const sorted = values.filter((value) => scale !== "log" || value > 0).sort((a, b) => a - b);
  const place =
    scale === "quantile" ? rankIn(sorted) : placeBetween(sorted[0] ?? 0, sorted.at(-1) ?? 1, scale === "log");
  return {
    of: (value) => {
      const at = place(value);
      return Number.isNaN(at)
        ? undefined
        : { back: ramp(at), front: at > LIGHT_FROM ? "#111111" : "#ffffff" };
    },
    ticks: ticksOf(sorted, scale).map((value) => ({ value, place: place(value) })),
  };
}

function placeBetween(low: number, high: number, isLog: boolean): (value: number) => number {
  if (low === high) return (value) => (isLog && value <= 0 ? NaN : 0.5);
  const scale = (isLog ? scaleLog() : scaleLinear()).domain([low, high]).range([0, 1]);
  return (value) => (isLog && value <= 0 ? NaN : scale(value));
}

/** Equal values have the same place. */
function rankIn(sorted: readonly number[]): (value: number) => number {
  const different = [...new Set(sorted)];
  const ranks = new Map(different.map((value, index) => [value, index]));
  return (value) => (different.length < 2 ? 0.5 : ranks.get(value)! / (different.length - 1));
}

function ticksOf(sorted: readonly number[], scale: ColourScale): number[] {
  if (sorted.length === 0) return [];
  const [low, high] = [sorted[0]!, sorted.at(-1)!];
  if (low === high) return [low];
  if (scale === "log") return [low, Math.sqrt(low * high), high];
  if (scale === "linear") return [low, (low + high) / 2, high];
  const different = [...new Set(sorted)];
  return [
    ...new Set([0, 0.25, 0.5, 0.75, 1].map((part) => different[Math.round(part * (different.length - 1))]!)),
  ];
}
