/** @import { Row } from "./compare-case.js" */

const SHOWN_DIFFERENCES = 20;

/** @param {readonly Row[]} rows */
export function formatTable(rows) {
  const head = ["case", "runs", "files", "MB", "differences", "opp_runall -j2", "runall-swarm", "ratio"];
  const body = rows.map(({ name, reference, comparison, swarmMs }) => [
    name,
    `${reference.runs}`,
    `${comparison.files}`,
    (comparison.bytes / 1e6).toFixed(1),
    `${comparison.differences.length}`,
    `${seconds(reference.durationMs)}${reference.note === "" ? "" : ` (${reference.note})`}`,
    seconds(swarmMs),
    (swarmMs / reference.durationMs).toFixed(2),
  ]);
  const lines = [head, ...body];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** The differences of a case, a line for each file. @param {Row} row */
export function formatDifferences({ name, comparison: { differences } }) {
  const lines = differences
    .slice(0, SHOWN_DIFFERENCES)
    .map(({ file, reason }) => `  ${name}: ${file}: ${reason}`);
  const more = differences.length - lines.length;
  return [...lines, ...(more > 0 ? [`  ${name}: and ${more} more files`] : [])].join("\n");
}

/** @param {number} ms */
function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}
