import type { Progress } from "../model/outcome.ts";

/** The content of a line of Cmdenv's output. */
export type CmdenvLine =
  | { type: "run"; runNumber: number; silent: boolean }
  | { type: "redirected"; file: string }
  /** The first line of a status block, or the only one. */
  | { type: "status"; progress: Progress }
  | { type: "speed"; eventsPerSecond?: number }
  /** A single event, in normal (not express) mode. */
  | { type: "event"; events: number; simTime: string }
  | { type: "termination"; reason: string; events: number; simTime: string }
  | { type: "error"; message: string; events?: number; simTime?: string }
  | { type: "fingerprint"; verified: true }
  | { type: "fingerprint"; verified: false; message: string }
  | { type: "see-file"; file: string }
  /** Marked as important, but none of the above. */
  | { type: "alert"; message: string }
  /** The end of a batch: every run that was started has ended. */
  | { type: "statistics" };

const STATUS =
  /^\*\* Event #(\d+) {3}t=(\S+) {3}Elapsed: \S+s \([^)]*\)(?: {2}Thread \S+)?(?: +(\d+)% completed {2}\(\d+% total\))?(?: {3}ev\/sec=(\S+))?\s*$/;
const ELAPSED = /^\*\* Event #\d+ {3}t=\S+ {3}Elapsed: ([\d.e+-]+)s /gm;
const EVENT = /^\*\* Event #(\d+) {2}t=(\S+)/;
const SPEED = /^ {5}Speed: {5}ev\/sec=(\S+)/;
/** The first line of a run with `-s`; without `-s`, PREPARING is. */
const RUN = /^[^\s:]+ run #?(\d+): .*\$repetition=\d+/;
const PREPARING = /^Preparing for running configuration .+, run #(\d+)\.\.\.$/;
const REDIRECTED = /^Redirecting output to file "(.*)"\.\.\.$/;
/** Skips the module, which is of no interest at a regular end. */
const TERMINATION = /^(.*?) -- (?:in .+ \(id=\d+\), )?at t=([-\d.e+]+)s, event #(\d+)/;
/** Matches the last position in a message, because the message may quote another error with its own. */
const WHERE = /^.*\bat t=([-\d.e+]+)s, event #(\d+)/;

/**
 * Parses one line of a simulation's output, without its newline.
 * @returns undefined for lines that do not concern the course of the run.
 * @see OMNeT++ 5.7 to 7.0, src/cmdenv/cmdenv.cc and src/envir/envirbase.cc.
 */
export function parseLine(line: string): CmdenvLine | undefined {
  if (line.startsWith("** Event #")) return parseStatus(line);
  if (line.startsWith("<!> ")) return parseMarked(line.slice(4));
  const speed = SPEED.exec(line);
  if (speed) return { type: "speed", ...eventsPerSecond(speed[1]) };
  const preparing = PREPARING.exec(line);
  if (preparing) return { type: "run", runNumber: Number(preparing[1]), silent: false };
  const run = RUN.exec(line);
  if (run) return { type: "run", runNumber: Number(run[1]), silent: true };
  const redirected = REDIRECTED.exec(line);
  if (redirected) return { type: "redirected", file: redirected[1]! };
  return line.startsWith("Run statistics: total ") ? { type: "statistics" } : undefined;
}

function parseStatus(line: string): CmdenvLine | undefined {
  const [, events, simTime, percent, speed] = STATUS.exec(line) ?? [];
  if (events !== undefined && simTime !== undefined) {
    const completed = percent === undefined ? {} : { percent: Number(percent) };
    const progress = { events: Number(events), simTime, ...completed, ...eventsPerSecond(speed) };
    return { type: "status", progress };
  }
  const event = EVENT.exec(line);
  return event ? { type: "event", events: Number(event[1]), simTime: event[2]! } : undefined;
}

/**
 * Returns the elapsed time in the last status line of a run's output, in ms; 0 if there is none.
 * @see OMNeT++ Simulation Manual, "Running Simulations", "Cmdenv": the options of express mode.
 */
export function elapsedMsIn(printed: string): number {
  const ms = Number([...printed.matchAll(ELAPSED)].at(-1)?.[1] ?? 0) * 1000;
  return Number.isFinite(ms) ? ms : 0;
}

/** Omits `inf` and `nan`, which are printed if no time has passed. */
function eventsPerSecond(text: string | undefined): { eventsPerSecond?: number } {
  const value = Number(text);
  return Number.isFinite(value) ? { eventsPerSecond: value } : {};
}

/**
 * Parses a line that is marked as important.
 * @param text the line without its `<!> `.
 */
function parseMarked(text: string): CmdenvLine | undefined {
  const seeFile = /^Error -- see (.+) for details$/.exec(text);
  if (seeFile) return { type: "see-file", file: seeFile[1]! };
  if (/^warning\b/i.test(text)) return undefined;
  if (text.startsWith("Fingerprint successfully verified")) return { type: "fingerprint", verified: true };
  const message = text.replace(/^Error: /, "");
  if (message.startsWith("Fingerprint mismatch!")) return { type: "fingerprint", verified: false, message };
  if (text.startsWith("Error")) return { type: "error", message, ...whereOf(message) };
  const [, reason, simTime, events] = TERMINATION.exec(text) ?? [];
  if (reason === undefined || simTime === undefined) return { type: "alert", message };
  return { type: "termination", reason, simTime, events: Number(events) };
}

function whereOf(message: string): { events?: number; simTime?: string } {
  const [, simTime, events] = WHERE.exec(message) ?? [];
  return simTime === undefined ? {} : { simTime, events: Number(events) };
}
