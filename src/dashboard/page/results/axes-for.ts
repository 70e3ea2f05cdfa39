import type { CampaignData } from "../campaign-data.ts";
import { defaultAxes, REPETITION, SCALAR, type Axes } from "./figure-data.ts";
import type { Settings } from "./settings.ts";

/** Returns the axes of a figure: those in the URL that exist, else the ones that the runs suggest. */
export function axesFor({ rows, variables }: CampaignData, { x, line, facet }: Settings): Axes {
  const suggested = defaultAxes(rows.value, variables.value);
  const names = new Set([...variables.value.map((name) => `$${name}`), REPETITION]);
  const known = (name: string | undefined): string | undefined =>
    name !== undefined && (name === "" || names.has(name)) ? name : undefined;
  const chosen = known(x) || suggested.x;
  const others = known(line) ?? (suggested.line === chosen ? suggested.x : suggested.line);
  return {
    x: chosen,
    line: others === chosen || (others === REPETITION && line === undefined) ? "" : others,
    facet: facet === SCALAR ? SCALAR : (known(facet) ?? ""),
  };
}
