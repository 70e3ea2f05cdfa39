import path from "node:path";
import type { CampaignEvent, CampaignSummary } from "../model/events.ts";
import { OUTCOME_STATES } from "../model/outcome.ts";
import type { RunRecord } from "../model/result.ts";
import { runLabel, runVariables, type Run } from "../model/run.ts";
import { count, formatDuration, formatTable, shorten } from "./format.ts";

export interface RenderOptions {
  quiet: boolean;
  verbose: boolean;
  /** Where results belong; paths are shown relative to it. */
  directory: string;
  stdout: Pick<NodeJS.WriteStream, "write" | "isTTY" | "columns">;
  stderr: Pick<NodeJS.WriteStream, "write" | "isTTY" | "columns">;
  now: () => number;
}

const REDRAW_MS = 100;
const DETAILS = 10;

/** Shows a campaign: one line that changes on a terminal, plain lines elsewhere. */
export class CampaignRenderer {
  readonly #options: RenderOptions;
  #total = 0;
  #states = new Map<string, number>();
  #running = new Map<number, number>();
  #queuedAt = 0;
  #drawnAt = 0;
  #line = "";

  constructor(options: RenderOptions) {
    this.#options = options;
  }

  show(event: CampaignEvent): void {
    switch (event.type) {
      case "warning":
        return this.warn(
          [event.message, ...limited(event.details).map((detail) => `    ${detail}`)].join("\n"),
        );
      case "expanded":
        return this.say(`${event.config}: ${count(event.runs, "run")}`);
      case "building":
        this.say(`building ${event.project} (${event.reason}); log: ${event.log}`);
        return this.#draw("building…");
      case "built":
        return this.#showBuilt(event);
      case "queued":
        this.#total = event.runs;
        this.#queuedAt = this.#options.now();
        return this.#options.verbose ? this.say(`campaign ${event.campaign}: queued`) : undefined;
      case "started":
        this.#running.set(event.run.runNumber, 0);
        return this.#drawProgress();
      case "progress":
        this.#running.set(event.run.runNumber, event.progress.percent ?? 0);
        return this.#drawProgress();
      case "finished":
        return this.#showFinished(event.run, event.record, event.warnings);
      case "reconnecting":
        return this.warn(`the swarm does not answer (${event.reason}); waiting for it`);
      case "ended":
        return this.#showEnd(event.summary);
      default:
        event satisfies never;
    }
  }

  /** A line of news, above the line of progress. */
  say(text: string): void {
    if (!this.#options.quiet) this.#print(text);
  }

  warn(text: string): void {
    this.#print(`warning: ${text}`);
  }

  sayDetached(campaign: string): void {
    this.#options.stdout.write(
      `campaign ${campaign} is queued; collect its results with: runall-swarm attach ${campaign}\n`,
    );
  }

  /** Removes the line of progress. */
  clear(): void {
    if (this.#line !== "") this.#options.stderr.write("\r\u001b[K");
    this.#line = "";
  }

  #print(text: string): void {
    const line = this.#line;
    this.clear();
    this.#options.stderr.write(`${text}\n`);
    if (line !== "") this.#draw(line);
  }

  #showBuilt({ how, tookMs }: Extract<CampaignEvent, { type: "built" }>): void {
    this.clear();
    if (how === "made") this.say(`built in ${formatDuration(tookMs)}`);
    else if (this.#options.verbose)
      this.say(how === "own" ? "using the binaries of this checkout" : "using an earlier build");
  }

  #showFinished(run: Run, record: RunRecord, warnings: readonly string[]): void {
    this.#running.delete(run.runNumber);
    this.#states.set(record.state, (this.#states.get(record.state) ?? 0) + 1);
    for (const warning of warnings) this.warn(warning);
    const { stderr, verbose } = this.#options;
    if (verbose || !stderr.isTTY) this.say(this.#finishedLine(run, record));
    this.#drawProgress(this.#finished === this.#total);
  }

  #finishedLine(run: Run, record: RunRecord): string {
    const done = `[${this.#finished}/${this.#total}]`;
    const error = record.error === undefined ? "" : `: ${record.error}`;
    return `${done} ${runLabel(run)} ${runVariables(run)}: ${record.state} after ${formatDuration(record.wallTimeMs)}${error}`;
  }

  get #finished(): number {
    return [...this.#states.values()].reduce((sum, states) => sum + states, 0);
  }

  #drawProgress(now = false): void {
    if (!now && this.#options.now() - this.#drawnAt < REDRAW_MS) return;
    const done = this.#states.get("done") ?? 0;
    const bad = this.#finished - done;
    const percents = [...this.#running.values()].reduce((sum, percent) => sum + percent, 0);
    const fraction = this.#total === 0 ? 0 : (this.#finished + percents / 100) / this.#total;
    const parts = [`${done} of ${count(this.#total, "run")} done`, `${this.#running.size} running`];
    if (bad > 0) parts.push(`${bad} failed`);
    parts.push(`${Math.floor(fraction * 100)} %`);
    const elapsed = this.#options.now() - this.#queuedAt;
    if (fraction > 0.02 && fraction < 1)
      parts.push(`about ${formatDuration((elapsed / fraction) * (1 - fraction))} left`);
    this.#draw(parts.join(", "));
  }

  #draw(line: string): void {
    const { stderr, quiet, now } = this.#options;
    if (quiet || !stderr.isTTY) return;
    this.#line = line;
    this.#drawnAt = now();
    stderr.write(`\r${shorten(line, (stderr.columns || 80) - 1)}\u001b[K`);
  }

  #showEnd(summary: CampaignSummary): void {
    this.clear();
    const { stdout, quiet, directory } = this.#options;
    for (const line of failedTable(summary, stdout.isTTY ? stdout.columns : undefined))
      stdout.write(`${line}\n`);
    if (!quiet || summary.failed.length > 0) stdout.write(`${endLine(summary, directory)}\n`);
  }
}

function endLine({ states, wallTimeMs, resultDirectory }: CampaignSummary, directory: string): string {
  const total = Object.values(states).reduce<number>((sum, number) => sum + (number ?? 0), 0);
  const parts = OUTCOME_STATES.flatMap((state) =>
    states[state] === undefined ? [] : [`${states[state]} ${state}`],
  );
  const where = relativeTo(directory, resultDirectory);
  const failed = total > (states.done ?? 0) ? `, of the others in ${path.join(where, "failed")}` : "";
  return `${count(total, "run")} in ${formatDuration(wallTimeMs)}: ${parts.join(", ")}. Results are in ${where}${failed}.`;
}

/**
 * The runs that went wrong by themselves: a line for each with its error, and one with where its output is.
 * @param width of the terminal; undefined where there is none.
 */
function failedTable({ failed }: CampaignSummary, width: number | undefined): string[] {
  const records = failed.filter((record) => record.state !== "cancelled");
  if (records.length === 0) return [];
  const variables = width === undefined ? 60 : Math.max(10, Math.floor(width / 3));
  const rows = records.map((record) => [
    `#${record.runNumber}`,
    record.state,
    shorten(runVariables(record), variables),
    record.error ?? record.reason,
  ]);
  const [head, ...lines] = formatTable([["run", "state", "variables", "reason"], ...rows]);
  const outputs = records.map(({ outputFile }) => (outputFile === undefined ? [] : [`     ${outputFile}`]));
  return [
    head!,
    ...lines.flatMap((line, index) => [
      width === undefined ? line : shorten(line, width),
      ...outputs[index]!,
    ]),
  ];
}

function relativeTo(directory: string, file: string): string {
  const relative = path.relative(directory, file) || ".";
  return relative.startsWith("..") ? file : relative;
}

function limited(details: readonly string[]): string[] {
  if (details.length <= DETAILS) return [...details];
  return [...details.slice(0, DETAILS), `… and ${details.length - DETAILS} more`];
}
