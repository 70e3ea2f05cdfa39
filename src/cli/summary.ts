import path from "node:path";
import type { CampaignSummary } from "../model/events.ts";
import { OUTCOME_STATES, type OutcomeState } from "../model/outcome.ts";
import { runVariables } from "../model/run.ts";
import type { Paint } from "./color.ts";
import { count, formatDuration, formatSize, formatTable } from "./format.ts";
import { shorten, textWidth, wrap } from "./text-width.ts";

const VARIABLES_WITHOUT_TERMINAL = 60;
const INDENT = "     ";

/** `12 runs: 9 are there already (make them again with --rerun), 3 queued` */
export function skippedLine(there: number, left: number, what = "queued"): string {
  const are = there === 1 ? "is" : "are";
  const rest = left > 0 ? `, ${left} ${what}` : "";
  return `${count(there + left, "run")}: ${there} ${are} there already (make them again with --rerun)${rest}`;
}

/** `66 runs in 17 s: 64 done, 2 failed. Results (4.3 GB) are in results, …` */
export function endLine(summary: CampaignSummary, directory: string, paint: Paint): string {
  const { states, wallTimeMs, resultDirectory, made, skipped } = summary;
  const total = Object.values(states).reduce<number>((sum, number) => sum + (number ?? 0), 0);
  const parts = OUTCOME_STATES.flatMap((state) =>
    states[state] === undefined ? [] : [paint(colorOf(state), `${states[state]} ${state}`)],
  );
  const earlier = skipped === undefined ? "" : `, ${skipped} of them earlier`;
  const where = relativeTo(directory, resultDirectory);
  const size = made && made.sizeBytes > 0 ? ` (${formatSize(made.sizeBytes)})` : "";
  const failed = total > (states.done ?? 0) ? `, of the others in ${path.join(where, "failed")}` : "";
  const place = (states.done ?? 0) === 0 && failed !== "" ? path.join(where, "failed") : where + failed;
  return `${count(total, "run")} in ${formatDuration(wallTimeMs)}: ${parts.join(", ")}${earlier}. Results${size} are in ${place}.`;
}

function colorOf(state: OutcomeState): "green" | "red" | "yellow" {
  if (state === "done") return "green";
  return state === "cancelled" ? "yellow" : "red";
}

/** What the runs have cost, and which of them most; nothing where a single one was made. */
export function usageLines({ made }: CampaignSummary, width: number | undefined): string[] {
  if (made === undefined || made.runs < 2) return [];
  const { runTimeMs, cpuTimeMs, spanMs, longest } = made;
  const times = [`run time ${formatDuration(runTimeMs)}`];
  if (cpuTimeMs !== undefined) times.push(`CPU time ${formatDuration(cpuTimeMs)}`);
  if (spanMs > 0) times.push(`${(runTimeMs / spanMs).toFixed(1)} times as fast as one after the other`);
  const label = "longest: ";
  const runs = longest.map((run, index) => {
    const time = `${formatDuration(run.wallTimeMs)}  #${run.runNumber}  ${runVariables(run)}`;
    const line = `${index === 0 ? label : " ".repeat(label.length)}${time}`;
    return width === undefined ? line : shorten(line, width);
  });
  const all = times.join(", ");
  return [width === undefined ? all : wrap(all, width), ...runs];
}

/**
 * The runs that went wrong by themselves, each with its error and where its output is. An error that does not fit
 * beside the run stands below it: it is what one wants to read.
 * @param width of the terminal; undefined where there is none.
 */
export function failedTable({ failed }: CampaignSummary, width: number | undefined, paint: Paint): string[] {
  const records = failed.filter((record) => record.state !== "cancelled");
  if (records.length === 0) return [];
  const variables = width === undefined ? VARIABLES_WITHOUT_TERMINAL : Math.max(10, Math.floor(width / 3));
  const rows = records.map((record) => [
    `#${record.runNumber}`,
    record.state,
    shorten(runVariables(record), variables),
    record.error ?? record.reason,
  ]);
  const whole = formatTable([["run", "state", "variables", "reason"], ...rows]);
  const fits = width === undefined || whole.every((line) => textWidth(line) <= width);
  const [head, ...lines] = fits
    ? whole
    : formatTable(["run state variables".split(" "), ...rows.map((row) => row.slice(0, 3))]);
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
