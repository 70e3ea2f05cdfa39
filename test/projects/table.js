import { SAMPLE_ENTRIES } from "./sample-entries.js";
import { INET_ENTRIES } from "./inet-entries.js";
import { RUN_ENTRIES } from "./run-entries.js";
import { NEEDING_ENTRIES } from "./needing-entries.js";
import { LISTED_ENTRIES } from "./listed-entries.js";

/** All entries, still unchecked: see parseTable. @type {readonly unknown[]} */
export const TABLE = [
  ...SAMPLE_ENTRIES,
  ...RUN_ENTRIES,
  ...LISTED_ENTRIES,
  ...NEEDING_ENTRIES,
  ...INET_ENTRIES,
];
