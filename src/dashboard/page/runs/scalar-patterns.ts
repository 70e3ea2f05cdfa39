import { computed } from "@preact/signals";
import { parameters } from "../base/location.tsx";
import { MOST_SCALARS } from "./scalar-columns.ts";

const PARAMETER = "scalar";
const SEPARATOR = "\n";

/** The patterns in the URL as one text: it is the same if other parameters change. */
const patternsText = computed(() =>
  [...new Set(parameters.value.getAll(PARAMETER))].slice(0, MOST_SCALARS).join(SEPARATOR),
);

/** The patterns of the chosen scalars, in the URL. */
export const scalarPatterns = computed(() =>
  patternsText.value.split(SEPARATOR).filter((text) => text !== ""),
);

/** Returns the parameter of the URL for chosen scalars. */
export function scalarParameter(patterns: readonly string[]): Record<string, readonly string[]> {
  return { [PARAMETER]: patterns.slice(-MOST_SCALARS) };
}
