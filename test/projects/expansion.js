/** A run as both tools list it. @typedef {{ number: number, variables: string }} ListedRun */

/** @param {string} output of `opp_run -s -q runs` @returns {ListedRun[]} */
export function parseRuns(output) {
  return parseLines(output, /^Run (\d+): (.*)$/);
}

/** @param {string} output of `runall-swarm --dry-run` @returns {ListedRun[]} */
export function parseDryRun(output) {
  return parseLines(output, /^\S.* #(\d+): (.*)$/);
}

/** @param {string} output @param {RegExp} form */
function parseLines(output, form) {
  return output.split("\n").flatMap((line) => {
    const match = form.exec(line.trimEnd());
    return match ? [{ number: Number(match[1]), variables: match[2] ?? "" }] : [];
  });
}

/**
 * The first difference, as half a sentence; undefined if there is none.
 * @param {readonly ListedRun[]} wanted as OMNeT++ lists them.
 * @param {readonly ListedRun[]} found
 * @param {number} count that the table expects.
 */
export function compareExpansion(wanted, found, count) {
  if (wanted.length !== count) return `opp_run lists ${wanted.length} runs, the table ${count}`;
  if (found.length !== count) return `--dry-run lists ${found.length} runs, opp_run ${count}`;
  for (const [index, run] of wanted.entries()) {
    const other = found[index];
    if (run.number === other?.number && run.variables === other.variables) continue;
    return `--dry-run lists #${other?.number}: ${other?.variables}, opp_run #${run.number}: ${run.variables}`;
  }
  return undefined;
}
