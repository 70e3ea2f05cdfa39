import type { CampaignEvent, CampaignSummary } from "../../model/events.ts";
import type { RunRecord } from "../../model/result.ts";
import { runLabel, runVariables, type Run } from "../../model/run.ts";
import { painter, type Paint } from "./color.ts";
import { count, formatDuration, formatSize } from "./format.ts";
import { printable, printableValue } from "./printable.ts";
import { CampaignProgress } from "./progress.ts";
import { RepeatedWarnings } from "./repeated-warnings.ts";
import { StatusLine, type Screen } from "./status-line.ts";
import { endLine, failedTable, outdatedLine, skippedLine, usageLines } from "./summary.ts";
import { shorten, wrap } from "./text-width.ts";

export interface RenderOptions {
  quiet: boolean;
  verbose: boolean;
  /** Where results belong; paths are shown relative to it. */
  directory: string;
  stdout: Screen;
  stderr: Screen;
  /** Whether the streams are to be coloured. */
  color: { stdout: boolean; stderr: boolean };
  now: () => number;
}

const DETAILS = 10;

/** Shows a campaign: one line that changes on a terminal, plain lines elsewhere. */
export class CampaignRenderer {
  readonly #options: RenderOptions;
  readonly #paint: Paint;
  #progress: CampaignProgress;
  readonly #status: StatusLine;
  readonly #warnings = new RepeatedWarnings();
  #silent = false;

  constructor(options: RenderOptions) {
    this.#options = options;
    this.#paint = painter(options.color.stderr);
    this.#progress = new CampaignProgress(options.now);
    this.#status = new StatusLine(options.stderr, options.stderr.isTTY && !options.quiet, options.now);
  }

  show(told: CampaignEvent): void {
    const event = printableValue(told);
    switch (event.type) {
      case "warning":
        return this.warn(
          [event.message, ...limited(event.details).map((detail) => `    ${detail}`)].join("\n"),
        );
      case "expanded":
        return this.say(`${event.config}: ${count(event.runs, "run")}`);
      case "fetching":
        return this.say(
          `collecting completed runs of campaign ${event.campaign}, which were not yet collected`,
        );
      case "outdated":
        return this.say(outdatedLine(event));
      case "joined":
        this.say(
          `campaign ${event.campaign} has ${count(event.runs, "run")} of these already queued; following it`,
        );
        this.#progress = new CampaignProgress(this.#options.now);
        this.#progress.begin(event.runs);
        return this.#showProgress();
      case "skipped":
        return this.say(skippedLine(event.runs, event.left));
      case "sent":
        return this.say(sentLine(event));
      case "building":
        this.say(`building ${event.project} (${event.reason}); log: ${event.log}`);
        return this.#showBuilding();
      case "built":
        return this.#showBuilt(event);
      case "queued":
        this.#progress = new CampaignProgress(this.#options.now);
        this.#progress.begin(event.runs);
        if (this.#options.verbose) this.say(`campaign ${event.campaign}: queued`);
        return this.#showProgress();
      case "started":
        this.#progress.start(event.run.runNumber);
        return this.#showProgress();
      case "progress":
        this.#progress.report(event.run.runNumber, event.progress);
        return this.#showProgress();
      case "held":
        this.#progress.hold(event.run.runNumber);
        this.#showHeld(`${runLabel(event.run)}: ${event.reason}; returned to the queue`);
        return this.#showProgress();
      case "finished":
        return this.#showFinished(event.run, event.record, event.warnings);
      case "reconnecting":
        this.#silent = true;
        return this.warn(`the swarm is not responding (${event.reason}); waiting for it`);
      case "unattended":
        return this.warn(
          "no runner is connected to the swarm; runs stay queued; check with: swarm-tool status",
        );
      case "attended":
        return this.say("a runner is connected again");
      case "ended":
        return this.#showEnd(event.summary);
      default:
        event satisfies never;
    }
  }

  /** Call it now and then: what is shown changes with time, too. */
  refresh(): void {
    this.#status.refresh();
  }

  /** The terminal has another width. */
  resize(): void {
    this.#status.redraw();
  }

  /** A line of news, above the line of progress. */
  say(text: string): void {
    this.#print(printable(text));
  }

  warn(text: string): void {
    this.#status.printAbove(`${this.#paint("yellow", "warning:")} ${printable(text)}`);
  }

  /** @param text may have colours; what comes from outside has been made printable. */
  #print(text: string): void {
    if (!this.#options.quiet) this.#status.printAbove(text);
  }

  sayDetached(campaign: string): void {
    this.#options.stdout.write(
      `campaign ${campaign} is queued; to collect its results, run: runall-swarm attach ${campaign}\n`,
    );
  }

  /** Removes the line of progress. */
  clear(): void {
    this.#status.clear();
  }

  #showBuilding(): void {
    const began = this.#options.now();
    this.#status.set((columns) =>
      shorten(`building… ${formatDuration(this.#options.now() - began)}`, columns),
    );
  }

  #showBuilt({ how, tookMs, project }: Extract<CampaignEvent, { type: "built" }>): void {
    this.clear();
    const whose = project === undefined ? "this checkout" : `your ${project}`;
    const which = project === undefined ? "" : ` of ${project}`;
    if (how === "made") this.say(`built in ${formatDuration(tookMs)}`);
    else if (this.#options.verbose)
      this.say(how === "own" ? `using the binaries of ${whose}` : `using an earlier build${which}`);
  }

  #showProgress(): void {
    if (this.#silent) this.say("the swarm is responding again");
    this.#silent = false;
    this.#status.set((columns) => this.#progress.line(columns, this.#paint));
  }

  #showHeld(text: string): void {
    if (this.#options.verbose || this.#warnings.isNews(text)) this.warn(text);
  }

  #showFinished(run: Run, record: RunRecord, warnings: readonly string[]): void {
    this.#progress.finish(run.runNumber, record);
    const { stderr, verbose } = this.#options;
    for (const warning of warnings) if (verbose || this.#warnings.isNews(warning)) this.warn(warning);
    if (verbose || !stderr.isTTY) this.#print(this.#finishedLine(run, record));
    this.#showProgress();
  }

  #finishedLine(run: Run, record: RunRecord): string {
    const done = `[${this.#progress.finished}/${this.#progress.total}]`;
    const state = record.state === "done" ? record.state : this.#paint("red", record.state);
    const error = record.error === undefined ? "" : `: ${record.error}`;
    return `${done} ${runLabel(run)} ${runVariables(run)}: ${state} after ${formatDuration(record.wallTimeMs)}${error}`;
  }

  #showEnd(summary: CampaignSummary): void {
    this.clear();
    for (const line of this.#warnings.takeRest()) this.warn(line);
    const { stdout, quiet, directory, color } = this.#options;
    const paint = painter(color.stdout);
    const width = stdout.isTTY ? stdout.columns || 80 : undefined;
    const lines = failedTable(summary, width, paint);
    for (const hint of summary.hints ?? []) lines.push(wrapped(`hint: ${hint}`, width));
    if (!quiet) lines.push(...usageLines(summary, width));
    if (!quiet || summary.failed.length > 0) lines.push(wrapped(endLine(summary, directory, paint), width));
    for (const line of lines) stdout.write(`${line}\n`);
  }
}

function wrapped(line: string, width: number | undefined): string {
  return width === undefined ? line : wrap(line, width);
}

function limited(details: readonly string[]): string[] {
  if (details.length <= DETAILS) return [...details];
  return [...details.slice(0, DETAILS), `… and ${details.length - DETAILS} more`];
}

/** What of a checkout went to the swarm before its runs. */
function sentLine({ project, changed, sizeBytes }: Extract<CampaignEvent, { type: "sent" }>): string {
  const whole = project ?? "the project";
  const some = `${count(changed.length, "changed file")}${project === undefined ? "" : ` of ${project}`}`;
  const what = changed.length === 0 ? whole : some;
  const names = changed.length === 0 || changed.length > 3 ? "" : ` (${changed.join(", ")})`;
  return `sent ${what}${names}: ${formatSize(sizeBytes)}`;
}
