import type { RunRecord } from "./result.ts";

/** Runs that ended in the same way. */
export interface FailureGroup {
  /** The message of the first run. */
  message: string;
  /** In run order; at least one. */
  records: RunRecord[];
}

/**
 * A separate number, such as an event number, a time with its unit, a process ID or an index; not the digits
 * of `libfoo2` or `1.2.3`.
 */
const NUMBER = /(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?:[munp]?s)?(?![\w]|\.\d)/g;

/** Returns the error message of a run, or else the reason for its end. */
export function messageOf({ error, reason }: Pick<RunRecord, "error" | "reason">): string {
  return error ?? reason;
}

/** Groups runs with the same state and message, ignoring numbers that differ from run to run. */
export function groupFailures(records: readonly RunRecord[]): FailureGroup[] {
  const groups = new Map<string, FailureGroup>();
  for (const record of records) {
    const message = messageOf(record);
    const name = `${record.state} ${errorKind(message)}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, { message, records: [record] });
    else group.records.push(record);
  }
  return [...groups.values()];
}

/**
 * Returns an error message without the numbers that differ from run to run: messages of the same error are equal.
 * Exit codes are kept: different codes are different failures.
 */
export function errorKind(message: string): string {
  return message
    .split(/(exit code \d+)/)
    .map((part, index) =>
      index % 2 === 1 ? part : part.replace(/\b0x[0-9a-f]+\b/gi, "…").replace(NUMBER, "…"),
    )
    .join("");
}

/** Returns a group on one line: `16 × Cannot load library …: General #0-#15`. */
export function groupLine({ message, records }: FailureGroup): string {
  return `${records.length} × ${message}: ${runRanges(records)}`;
}

/** Returns the run numbers by config: `General #0-#3, #7`. */
function runRanges(records: readonly RunRecord[]): string {
  const numbers = new Map<string, number[]>();
  for (const { config, runNumber } of records) {
    const known = numbers.get(config);
    if (known === undefined) numbers.set(config, [runNumber]);
    else known.push(runNumber);
  }
  return [...numbers].map(([config, all]) => `${config} ${ranges(all)}`).join("; ");
}

function ranges(numbers: readonly number[]): string {
  const found: [number, number][] = [];
  for (const number of numbers.toSorted((one, other) => one - other)) {
    const last = found.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found.map(([first, last]) => (first === last ? `#${first}` : `#${first}-#${last}`)).join(", ");
}
