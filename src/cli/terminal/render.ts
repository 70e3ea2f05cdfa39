import type { CampaignEvent, CampaignSummary } from "../../model/events.ts";
import type { RunRecord } from "../../model/result.ts";
import { runLabel, runVariables, type Run } from "../../model/run.ts";
import { BuildLine } from "./build-line.ts";
import { painter, type Paint } from "./color.ts";
import { forPeople } from "./for-people.ts";
import { count, formatDuration, formatSize } from "./format.ts";
import { printable, printableValue } from "./printable.ts";
import { CampaignProgress } from "./progress.ts";
import { RepeatedWarnings } from "./repeated-warnings.ts";
import { StatusLine, type Screen } from "./status-line.ts";
import { endLine, failedTable, outdatedLine, skippedLine, usageLines } from "./summary.ts";
import { wrap } from "./text-width.ts";

export interface RenderOptions {
  quiet: boolean;
  verbose: boolean;
  /** The client does not wait for the runs, so their progress is not shown. */
  detached?: boolean;
  /** Directory to which printed paths are relative. */
  directory: string;
  stdout: Screen;
  stderr: Screen;
  /** Whether to colour each stream. */
  color: { stdout: boolean; stderr: boolean };
  /** Returns the time in ms since 1970. */
  now: () => number;
}

/** Maximum number of details of a warning. */
const DETAILS = 10;
const NO_RUNNER = "no runner is connected to the swarm; runs stay queued; check with: swarm-tool status";

/** Shows the events of a campaign: with a status line on a terminal, as plain lines otherwise. */
export class CampaignRenderer {
  readonly #options: RenderOptions;
  readonly #paint: Paint;
  #progress: CampaignProgress;
  readonly #status: StatusLine;
  #build: BuildLine | undefined;
  readonly #warnings = new RepeatedWarnings();
  #isReconnecting = false;

  constructor(options: RenderOptions) {
    this.#options = options;
    this.#paint = painter(options.color.stderr);
    this.#progress = new CampaignProgress(options.now);
    this.#status = new StatusLine(options.stderr, !options.quiet, options.now);
  }

  /** Shows an event. */
  show(received: CampaignEvent): void {
    const event = printableValue(received);
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
        return this.#beginProgress(event.runs);
      case "skipped":
        return this.say(skippedLine(event.runs, event.left));
      case "sent":
        return this.say(sentLine(event));
      case "building":
        this.say(`building ${event.project} (${event.reason}); log: ${event.log}`);
        return this.#showBuilding(event.project);
      case "compiling":
        this.#build?.report(event);
        return this.#status.refresh();
      case "built":
        return this.#showBuilt(event);
      case "queued":
        return this.#beginProgress(event.runs);
      case "resumed":
        this.#showResumed(this.#progress.resume(event.states));
        return this.#showProgress();
      case "predicted":
        return this.#progress.predict(event);
      case "started":
        this.#progress.start(event.run.runNumber);
        return this.#showProgress();
      case "progress":
        this.#progress.report(event.run.runNumber, event.progress);
        return this.#showProgress();
      case "batch":
        this.#progress.batch(event.run, event.others);
        return this.#showProgress();
      case "held":
        this.#progress.hold(event.run.runNumber);
        this.#showHeld(`${runLabel(event.run)}: ${event.reason}; returned to the queue`);
        return this.#showProgress();
      case "finished":
        return this.#showFinished(event.run, event.record, event.warnings);
      case "reconnecting":
        this.#isReconnecting = true;
        return this.warn(`the swarm is not responding (${event.reason}); waiting for it`);
      case "unattended":
        return this.warn(NO_RUNNER);
      case "attended":
        return this.say("a runner is connected again");
      case "left":
        return this.#showLeft(event);
      case "ended":
        return this.#showEnd(event.summary);
      default:
        event satisfies never;
    }
  }

  #beginProgress(runs: number): void {
    this.#progress = new CampaignProgress(this.#options.now);
    this.#progress.begin(runs);
    this.#showProgress();
  }

  /**
   * Redraws the status line, whose text depends on the time; without a terminal, prints it if nothing else was printed
   * for a minute. Call it regularly.
   */
  refresh(): void {
    this.#status.refresh();
  }

  /** Redraws the status line for a new terminal width. */
  resize(): void {
    this.#status.redraw();
  }

  /** Prints a line above the status line. */
  say(text: string): void {
    this.#print(printable(text));
  }

  /** Prints a warning above the status line, even with `--quiet`. */
  warn(text: string): void {
    this.#status.printAbove(`${this.#paint("yellow", "warning:")} ${printable(text)}`);
  }

  /** @param text may contain colours; text from outside must already be printable. */
  #print(text: string): void {
    if (!this.#options.quiet) this.#status.printAbove(text);
  }

  printDetached(campaign: string): void {
    const { stdout } = this.#options;
    const text = `campaign ${campaign} is queued; to collect its results, run: runall-swarm attach ${campaign}`;
    stdout.write(`${forPeople(text, stdout)}\n`);
  }

  /** Removes the status line. */
  clear(): void {
    this.#status.clear();
  }

  #showBuilding(project: string): void {
    const build = new BuildLine(project, this.#options.now);
    this.#build = build;
    this.#status.set((columns) => build.line(columns));
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
    if (this.#isReconnecting) this.say("the swarm is responding again");
    this.#isReconnecting = false;
    if (this.#options.detached) return this.clear();
    this.#status.set((columns) => this.#progress.line(columns, this.#paint));
  }

  #showResumed(runs: number): void {
    const which = runs === 1 ? "1 other run of the campaign has" : `${runs} other runs of the campaign have`;
    this.say(`${which} already ended`);
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

  #showLeft({ campaign, runs }: Extract<CampaignEvent, { type: "left" }>): void {
    this.clear();
    for (const line of this.#warnings.takeRest()) this.warn(line);
    const left = `${count(runs, "run")} not yet collected`;
    this.say(
      `campaign ${campaign} continues, with ${left}; follow it again with: runall-swarm attach ${campaign}; cancel it with: runall-swarm cancel ${campaign}`,
    );
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
    for (const line of lines) stdout.write(`${forPeople(line, stdout)}\n`);
  }
}

function wrapped(line: string, width: number | undefined): string {
  return width === undefined ? line : wrap(line, width, "  ");
}

function limited(details: readonly string[]): string[] {
  if (details.length <= DETAILS) return [...details];
  return [...details.slice(0, DETAILS), `… and ${details.length - DETAILS} more`];
}

/** Returns the line about the files of a checkout that were sent. */
function sentLine({ project, changed, sizeBytes }: Extract<CampaignEvent, { type: "sent" }>): string {
  const whole = project ?? "the project";
  const some = `${count(changed.length, "changed file")}${project === undefined ? "" : ` of ${project}`}`;
  const what = changed.length === 0 ? whole : some;
  const names = changed.length === 0 || changed.length > 3 ? "" : ` (${changed.join(", ")})`;
  return `sent ${what}${names}: ${formatSize(sizeBytes)}`;
}
