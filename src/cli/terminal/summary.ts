import path from "node:path";
import type { CampaignEvent, CampaignSummary } from "../../model/events.ts";
import { groupFailures, groupLine, type FailureGroup } from "../../model/failure-groups.ts";
import { OUTCOME_STATES, type OutcomeState } from "../../model/outcome.ts";
import type { RunRecord } from "../../model/result.ts";
import { runVariables } from "../../model/run.ts";
import type { Paint } from "./color.ts";
import { count, formatDuration, formatSize, formatTable } from "./format.ts";
import { textWidth, wrap } from "./text-width.ts";

const INDENT = "     ";
const MAX_FAILED = 20;

type OutdatedEvent = Extract<CampaignEvent, { type: "outdated" }>;

/** Returns a line such as `12 runs: 9 already completed (rerun with --rerun), 3 queued`. */
export function skippedLine(completed: number, left: number, what = "queued"): string {
  const rest = left > 0 ? `, ${left} ${what}` : "";
  return `${count(completed + left, "run")}: ${completed} already completed (rerun with --rerun)${rest}`;
}

const SHOWN_FILES = 3;

/** Returns a line such as `12 completed runs no longer count: 3 files changed since: omnetpp.ini, src/Queue.cc, …`. */
export function outdatedLine({ runs, changed, reasons }: OutdatedEvent): string {
  const names = changed.slice(0, SHOWN_FILES).join(", ");
  const files = `${count(changed.length, "file")} changed since: ${names}`;
  const more = changed.length > SHOWN_FILES ? ", …" : "";
  const all = [...reasons, ...(changed.length > 0 ? [files + more] : [])];
  const verb = runs === 1 ? "counts" : "count";
  return `${count(runs, "completed run")} no longer ${verb}: ${all.join("; ")}`;
}

/** Returns a line such as `66 runs in 17 s: 64 done, 2 failed. Results (4.3 GB) are in results, …`. */
export function endLine(summary: CampaignSummary, directory: string, paint: Paint): string {
  const { states, wallTimeMs, resultDirectory, made, skipped, superseded, unrecorded = 0 } = summary;
  const recorded = Object.values(states).reduce<number>((sum, number) => sum + (number ?? 0), 0);
  const parts = OUTCOME_STATES.flatMap((state) =>
    states[state] === undefined ? [] : [paint(colorOf(state), `${states[state]} ${state}`)],
  );
  const earlier = skipped === undefined ? "" : `, ${skipped} of them earlier`;
  const later = (superseded ?? [])
    .map(({ campaign, runs }) => `, ${runs} of them superseded by ${campaign}`)
    .join("");
  const where = relativeTo(directory, resultDirectory);
  if (unrecorded > 0) parts.push(`${unrecorded} without a record in ${where}`);
  const all = `${count(recorded + unrecorded, "run")} in ${formatDuration(wallTimeMs)}: ${parts.join(", ")}${earlier}${later}.`;
  if (recorded === 0) return all;
  // a size that counts only some of the runs would mislead
  const isWhole = made !== undefined && made.runs >= recorded - (states.cancelled ?? 0);
  const size = isWhole && made.sizeBytes > 0 ? ` (${formatSize(made.sizeBytes)})` : "";
  const failed =
    recorded > (states.done ?? 0) ? `, those of the other runs in ${path.join(where, "failed")}` : "";
  const place = (states.done ?? 0) === 0 && failed !== "" ? path.join(where, "failed") : where + failed;
  return `${all} Results${size} are in ${place}.`;
}

function colorOf(state: OutcomeState): "green" | "red" | "yellow" {
  if (state === "done") return "green";
  return state === "cancelled" ? "yellow" : "red";
}

/** Returns lines about the total time and the longest runs; none if fewer than two runs were executed. */
export function usageLines({ made }: CampaignSummary, width: number | undefined): string[] {
  if (made === undefined || made.runs < 2) return [];
  const { runTimeMs, cpuTimeMs, spanMs, longest } = made;
  const times = [`run time ${formatDuration(runTimeMs)}`];
  if (cpuTimeMs !== undefined) times.push(`CPU time ${formatDuration(cpuTimeMs)}`);
  if (isSpeedup(runTimeMs, spanMs)) times.push(`${(runTimeMs / spanMs).toFixed(1)}× speedup`);
  const label = "longest: ";
  const runs = longest.map((run, index) => {
    const time = `${formatDuration(run.wallTimeMs)}  #${run.runNumber}  ${runVariables(run)}`;
    const line = `${index === 0 ? label : " ".repeat(label.length)}${time}`;
    return wrap(line, width ?? Infinity, " ".repeat(label.length));
  });
  const all = times.join(", ");
  return [width === undefined ? all : wrap(all, width), ...runs];
}

/** A span in ms below which the time between runs decides, so that a speedup has no meaning. */
const SHORTEST_SPAN = 1000;

/** Returns whether runs were executed concurrently: a speedup below 1.1 is that of runs one after the other. */
function isSpeedup(runTimeMs: number, spanMs: number): boolean {
  return spanMs >= SHORTEST_SPAN && runTimeMs / spanMs >= 1.1;
}

/**
 * Returns lines about the failed runs: a group for runs with the same error, and a table of the others with
 * their errors and output files. On a terminal their number is limited.
 * @param width width of the terminal; undefined if there is none.
 */
export function failedTable(
  { campaign, failed }: CampaignSummary,
  width: number | undefined,
  paint: Paint,
): string[] {
  const groups = groupFailures(failed.filter((record) => record.state !== "cancelled"));
  const several = groups.filter(({ records }) => records.length > 1).slice(0, width && MAX_FAILED);
  const single = groups.flatMap(({ records }) => (records.length === 1 ? records : []));
  const records = single.slice(0, width && Math.max(0, MAX_FAILED - several.length));
  const shown = [...several.map((group) => group.records.length), records.length];
  const more = failed.filter(({ state }) => state !== "cancelled").length - shown.reduce((a, b) => a + b, 0);
  const example = several[0]?.records[0];
  return [
    ...several.flatMap((group) => linesOf(group, width, paint)),
    ...(records.length > 0 ? tableOf(records, width, paint) : []),
    ...(example === undefined
      ? []
      : [
          wrap(
            `to print the output of one, run: runall-swarm logs ${campaign} ${example.runNumber}`,
            width ?? Infinity,
            "  ",
          ),
        ]),
    ...(more > 0
      ? [wrap(`… and ${more} more; to list all, run: runall-swarm logs ${campaign}`, width ?? Infinity, "  ")]
      : []),
  ];
}

/** Returns the lines of a group: its complete error and its first run. */
function linesOf(group: FailureGroup, width: number | undefined, paint: Paint): string[] {
  const first = group.records[0]!;
  const { runNumber, state, outputFile } = first;
  const [head, ...rest] = wrap(groupLine(group), width ?? Infinity, INDENT).split("\n");
  const about = `${INDENT}first: #${runNumber} ${paint(colorOf(state), state)}, ${runVariables(first)}`;
  return [
    paint("bold", head!),
    ...rest,
    wrap(about, width ?? Infinity, INDENT),
    ...(outputFile === undefined ? [] : [INDENT + outputFile]),
  ];
}

/**
 * Returns a table of runs. If an error does not fit beside its run, it is printed below the run. Nothing is cut: the
 * variables tell which run it is.
 */
function tableOf(records: readonly RunRecord[], width: number | undefined, paint: Paint): string[] {
  const table = (withReason: boolean): string[] => {
    const rows = records.map((record) => [
      `#${record.runNumber}`,
      record.state,
      runVariables(record),
      ...(withReason ? [record.error ?? record.reason] : []),
    ]);
    return formatTable([["run", "state", "variables", ...(withReason ? ["reason"] : [])], ...rows]);
  };
  const whole = table(true);
  const fits = width === undefined || whole.every((line) => textWidth(line) <= width);
  const [head, ...lines] = fits ? whole : table(false).map((line) => wrap(line.trimEnd(), width, INDENT));
  const details = records.map(({ error, reason, outputFile }) => [
    ...(fits ? [] : [wrap(INDENT + (error ?? reason), width, INDENT)]),
    ...(outputFile === undefined ? [] : [INDENT + outputFile]),
  ]);
  const colored = lines.map((line, index) => {
    const { state } = records[index]!;
    return line.replace(state, paint(colorOf(state), state));
  });
  return [paint("bold", head!), ...colored.flatMap((line, index) => [line, ...details[index]!])];
}

function relativeTo(directory: string, file: string): string {
  const relative = path.relative(directory, file) || ".";
  return relative.startsWith("..") ? file : relative;
}
