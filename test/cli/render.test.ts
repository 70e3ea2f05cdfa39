import { describe, expect, it } from "vitest";
import { wantsColor } from "../../src/cli/terminal/color.ts";
import {
  formatDuration,
  formatEstimate,
  formatNumber,
  formatSize,
  formatTable,
} from "../../src/cli/terminal/format.ts";
import { CampaignRenderer } from "../../src/cli/terminal/render.ts";
import { shorten, textWidth, wrap } from "../../src/cli/terminal/text-width.ts";
import type { OutcomeState } from "../../src/model/outcome.ts";
import type { RunRecord } from "../../src/model/result.ts";
import { VirtualTerminal } from "../helpers/screen.ts";

const run = (runNumber: number, more: Record<string, string> = { a: "1" }) => ({
  config: "C",
  runNumber,
  iterationVariables: more,
  repetition: 0,
});

const record = (runNumber: number, state: OutcomeState, more: Partial<RunRecord> = {}): RunRecord => ({
  format: 1, campaign: "c1", ...run(runNumber), state, reason: "error", wallTimeMs: 1500, startedAt: "", finishedAt: "",
  worker: "w", commit: "", build: "", omnetpp: "", arguments: [], files: [], ...more,
}); // prettier-ignore

interface Options {
  quiet?: boolean;
  verbose?: boolean;
  detached?: boolean;
  color?: boolean;
}

/** Output as a user sees it on a terminal of that many columns. */
function watcher(columns: number, options: Options = {}) {
  const stderr = new VirtualTerminal(columns);
  const stdout = new VirtualTerminal(columns);
  return { stderr, stdout, ...renderer(stdout, stderr, options) };
}

/** Output streams that are not a terminal. */
function collector(options: Options = {}) {
  const written = { stdout: "", stderr: "" };
  const stream = (name: "stdout" | "stderr") => ({
    write: (text: string) => Boolean((written[name] += text)),
    isTTY: false,
    columns: 0,
  });
  return { written, ...renderer(stream("stdout"), stream("stderr"), options) };
}

type Stream = ConstructorParameters<typeof CampaignRenderer>[0]["stdout"];

function renderer(
  stdout: Stream,
  stderr: Stream,
  { quiet = false, verbose = false, detached = false, color = false }: Options,
) {
  const clock = { now: 0 };
  const shown = new CampaignRenderer({
    quiet, verbose, detached, stdout, stderr, directory: "/study", now: () => clock.now, color: { stdout: color, stderr: color },
  }); // prettier-ignore
  return { shown, clock };
}

const summary = (failed: RunRecord[], more = {}) => ({
  type: "ended" as const,
  summary: {
    campaign: "c1",
    states: { ...(failed.length > 0 && { failed: failed.length }), done: 2 },
    wallTimeMs: 61_000,
    resultDirectory: "/study/results",
    failed,
    ...more,
  },
});

/** A campaign of four runs on two runners, 12 s after it was queued. */
function middleOf({ shown, clock }: Pick<ReturnType<typeof watcher>, "shown" | "clock">): void {
  shown.show({ type: "queued", campaign: "c1", runs: 4 });
  shown.show({ type: "started", run: run(0) });
  shown.show({ type: "started", run: run(1) });
  clock.now = 10_000;
  const ended = record(0, "done", { wallTimeMs: 10_000, events: 2_000_000 });
  shown.show({ type: "finished", run: run(0), record: ended, warnings: [] });
  shown.show({ type: "started", run: run(2) });
  clock.now = 12_000;
  const progress = { events: 1_500_000, simTime: "1", percent: 60 };
  shown.show({ type: "progress", run: run(1), progress });
  shown.refresh();
}

describe("a campaign that is followed again", () => {
  const resume = (shown: CampaignRenderer, states: Record<string, number>): void => {
    shown.show({ type: "queued", campaign: "c1", runs: 2 });
    shown.show({ type: "resumed", campaign: "c1", states });
    shown.show({ type: "started", run: run(3) });
    shown.show({ type: "finished", run: run(3), record: record(3, "done"), warnings: [] });
  };

  it("is counted with all its runs in the status line", () => {
    const { shown, clock, stderr } = watcher(80);
    resume(shown, { done: 7, failed: 2, cancelled: 1 });
    clock.now += 1000;
    shown.refresh();
    expect(stderr.last).toMatch(/^8 of 12 runs done, 2 failed, 1 cancelled, 91 %/);
  });

  it("is counted with all its runs in plain lines", () => {
    const { shown, clock, written } = collector();
    resume(shown, { done: 7, failed: 3 });
    clock.now += 61_000;
    shown.refresh();
    const lines = written.stderr.split("\n");
    expect(lines[0]).toBe("10 other runs of the campaign have already ended");
    expect(lines[1]).toMatch(/^\[11\/12\] /);
    expect(lines[2]).toMatch(/^8 of 12 runs done, 3 failed, 91 %/);
  });
});

it("shows no progress on the line of the prompt when the client does not wait", () => {
  const { shown, stderr, stdout } = watcher(80, { detached: true });
  shown.show({ type: "building", key: "k", project: "mm1", reason: "new", log: "log" });
  shown.show({ type: "queued", campaign: "c1", runs: 4 });
  shown.refresh();
  shown.printDetached("c1");
  expect(stderr.last).toBe("");
  expect(stdout.lines[0]).toMatch(/^campaign c1 is queued/);
});

describe("on a terminal", () => {
  it.each([
    [140, "1 of 4 runs done, 2 running, 40 %, 292 k events/s, about 18 s left"],
    [80, "1 of 4 runs done, 2 running, 40 %, 292 k events/s, about 18 s left"],
    [60, "1 of 4 runs done, 2 running, 40 %, about 18 s left"],
    [40, "1 of 4 runs done, 2 running, 40 %"],
    [20, "1 of 4 runs done"],
  ])("of %d columns shows progress in one line, as much as fits", (columns, line) => {
    const seen = watcher(columns);
    middleOf(seen);
    expect(seen.stderr.lines).toEqual([line]);
    expect(seen.stdout.writes).toEqual([]);
  });

  it("writes the line only when it has changed, at most five times a second, each time in one piece", () => {
    const { shown, clock, stderr } = watcher(80);
    shown.show({ type: "queued", campaign: "c1", runs: 1000 });
    for (let number = 0; number < 1000; number++) {
      clock.now += 10;
      shown.show({ type: "started", run: run(number) });
      shown.show({ type: "finished", run: run(number), record: record(number, "done"), warnings: [] });
    }
    expect(stderr.writes.length).toBeLessThanOrEqual(51);
    expect(stderr.writes.length).toBeGreaterThan(40);
    for (const text of stderr.writes) expect(text).toMatch(/^\r[^\r\n]*\u001b\[K$/); // eslint-disable-line no-control-regex
    const before = stderr.writes.length;
    clock.now += 1000;
    shown.refresh(); // the update that came too soon after the last one
    expect(stderr.last).toMatch(/^1000 of 1000 runs done, 100 %/);
    clock.now += 60_000;
    shown.refresh();
    const quiet = stderr.writes.length;
    for (let time = 0; time < 100; time++) {
      clock.now += 1000;
      shown.refresh();
    }
    expect([quiet - before, stderr.writes.length - quiet]).toEqual([1, 0]);
  });

  it("counts down the time left, also while nothing happens", () => {
    const seen = watcher(80);
    middleOf(seen);
    seen.clock.now += 3000;
    seen.shown.refresh();
    expect(seen.stderr.last).toMatch(/about 15 s left$/);
  });

  it("estimates the time left by the slowest run when the last ones execute, not by the mean", () => {
    const { shown, clock, stderr } = watcher(80);
    shown.show({ type: "queued", campaign: "c1", runs: 11 });
    for (let number = 0; number < 11; number++) shown.show({ type: "started", run: run(number) });
    clock.now = 10_000;
    for (let number = 0; number < 10; number++)
      shown.show({ type: "finished", run: run(number), record: record(number, "done"), warnings: [] });
    shown.show({ type: "progress", run: run(10), progress: { events: 1, simTime: "1", percent: 10 } });
    clock.now += 1000;
    shown.refresh();
    expect(stderr.last).toMatch(/^10 of 11 runs done, 1 running, 91 %, .*about 1 min 40 s left$/);
  });

  it("fits the line again when the terminal gets narrower or wider", () => {
    const seen = watcher(140);
    middleOf(seen);
    seen.stderr.columns = 60;
    seen.shown.resize();
    expect(seen.stderr.last).toBe("1 of 4 runs done, 2 running, 40 %, about 18 s left");
    seen.stderr.columns = 100;
    seen.shown.resize();
    expect(seen.stderr.last).toContain("events/s");
    expect(seen.stderr.lines).toHaveLength(1);
  });

  it("keeps the progress line below a warning, and removes all of it at the end", () => {
    const { shown, clock, stderr } = watcher(80);
    shown.show({ type: "queued", campaign: "c1", runs: 3 });
    clock.now = 1000;
    shown.show({ type: "finished", run: run(0), record: record(0, "done"), warnings: ["look"] });
    shown.show({ type: "finished", run: run(1), record: record(1, "done"), warnings: ["here"] });
    shown.show({ type: "reconnecting", reason: "no response" });
    shown.show({ type: "started", run: run(2) });
    shown.clear();
    expect(stderr.lines).toEqual([
      "warning: look",
      "warning: here",
      "warning: the swarm is not responding (no response); waiting for it",
      "the swarm is responding again",
      "",
    ]);
  });

  it("shows the errors of failed runs completely, and never shortens a path", () => {
    const { shown, stdout } = watcher(60);
    const error =
      "serviceRate must be positive, but is -1 -- in module (mm1::Queue) Mm1.queue (id=3), at t=1.5s";
    shown.show(summary([record(7, "failed", { error, outputFile: `results/failed/${"y".repeat(80)}.out` })]));
    expect(stdout.lines.slice(0, 4)).toEqual([
      "run  state   variables",
      "#7   failed  $a=1, $repetition=0", // complete: there is enough space if the error is not beside it
      "     serviceRate must be positive, but is -1 -- in module",
      "     (mm1::Queue) Mm1.queue (id=3), at t=1.5s",
    ]);
    expect(stdout.lines.slice(4, 6).join("")).toBe(`     results/failed/${"y".repeat(80)}.out`);
  });

  it("groups runs with the same error, and names the first of them", () => {
    const { shown, stdout } = watcher(60);
    const error = (event: number) =>
      `Cannot load library 'libnosuch.so' -- at t=${event / 7}s, event #${event}`;
    const outputFile = "results/failed/C-0.out";
    const equal = [0, 1, 2, 5].map((number) =>
      record(number, "failed", { error: error(number), outputFile }),
    );
    shown.show(summary([...equal, record(3, "failed", { error: "another" })]));
    const start = stdout.lines.findIndex((line) => line.startsWith("4 ×"));
    const [head, more, first, file] = stdout.lines.slice(start);
    expect(`${head!} ${more!.trim()}`).toBe(
      "4 × Cannot load library 'libnosuch.so' -- at t=0s, event #0: C #0-#2, #5",
    );
    expect(first).toBe("     first: #0 failed, $a=1, $repetition=0");
    expect(file).toBe("     results/failed/C-0.out");
    expect(stdout.lines).toContain("#3   failed  $a=1, $repetition=0  another");
    expect(stdout.lines).toContain("to print the output of one, run: runall-swarm logs c1 0");
  });

  it("shows the first of very many failed runs, and where all of them are listed", () => {
    const { shown, stdout } = watcher(80);
    shown.show(
      summary(
        Array.from({ length: 120 }, (_, number) => record(number, "failed", { error: `no n${number}` })),
      ),
    );
    expect(stdout.lines.filter((line) => line.startsWith("#"))).toHaveLength(20);
    expect(stdout.lines).toContain("… and 100 more; to list all, run: runall-swarm logs c1");
  });

  it("reports runs whose records have been removed", () => {
    const { shown, stdout } = watcher(120);
    shown.show(summary([], { states: {}, unrecorded: 12 }));
    expect(stdout.lines[0]).toBe("12 runs in 1 min 01 s: 12 without a record in results.");
    shown.show(summary([], { states: { done: 2 }, unrecorded: 1 }));
    expect(stdout.lines[1]).toBe(
      "3 runs in 1 min 01 s: 2 done, 1 without a record in results. Results are in results.",
    );
  });

  it.each([60, 80, 140])("of %d columns aligns the columns of tables, also in Japanese", (columns) => {
    const { shown, stdout } = watcher(columns);
    const more = { iterationVariables: { 速度: "とても速い車両" }, error: "だめです" };
    shown.show(summary([record(1, "failed", more), record(12, "failed", { error: "no" })]));
    const rows = stdout.lines.slice(0, 3);
    expect(rows.every((row) => textWidth(row) <= columns)).toBe(true);
    const reasonAt = rows[0]!.indexOf("reason");
    expect(textWidth(rows[1]!.slice(0, rows[1]!.indexOf("だ")))).toBe(reasonAt);
    expect(rows[2]!.indexOf("no")).toBe(reasonAt);
  });

  it("reports at the end what the runs have cost and which took longest", () => {
    const { shown, stdout } = watcher(80);
    const longest = [
      { ...run(3), wallTimeMs: 65_000 },
      { ...run(1, { a: "1", name: "v".repeat(80) }), wallTimeMs: 9000 },
    ];
    const made = {
      runs: 2,
      runTimeMs: 120_000,
      cpuTimeMs: 110_000,
      spanMs: 61_000,
      sizeBytes: 4.3e9,
      longest,
    };
    shown.show(summary([], { made }));
    expect(stdout.lines).toEqual([
      "run time 2 min 00 s, CPU time 1 min 50 s, 2.0× speedup",
      "longest: 1 min 05 s  #3  $a=1, $repetition=0",
      "         9.0 s  #1  $a=1,",
      `         $name=${"v".repeat(65)}`,
      `${"v".repeat(15)},`,
      "         $repetition=0",
      "2 runs in 1 min 01 s: 2 done. Results (4.3 GB) are in results.",
      "",
    ]);
  });

  it("is coloured only if colour is wanted", () => {
    const plain = watcher(80);
    const colored = watcher(80, { color: true });
    for (const seen of [plain, colored]) {
      middleOf(seen);
      seen.shown.warn("look");
      seen.shown.show(summary([record(1, "failed")]));
    }
    const all = ({ stdout, stderr }: typeof plain): string => [...stderr.writes, ...stdout.writes].join("");
    expect(all(plain)).not.toMatch(/\u001b\[[0-9;]*m/); // eslint-disable-line no-control-regex
    expect(all(colored)).toContain("\u001b[33mwarning:\u001b[39m look");
    expect(all(colored)).toContain("\u001b[31m1 failed\u001b[39m");
    expect(colored.stdout.lines).toEqual(plain.stdout.lines);
    expect(colored.stderr.lines).toEqual(plain.stderr.lines);
  });
});

it.each([
  [true, {}, true],
  [false, {}, false],
  [true, { NO_COLOR: "1" }, false],
  [true, { NO_COLOR: "" }, true],
  [true, { TERM: "dumb" }, false],
  [false, { FORCE_COLOR: "1" }, true],
  [false, { FORCE_COLOR: "" }, true],
  [true, { FORCE_COLOR: "0" }, false],
  [false, { FORCE_COLOR: "1", NO_COLOR: "1" }, true],
])("colour on a terminal (%s) with %j: %s", (isTTY, env, wanted) => {
  expect(wantsColor({ isTTY }, env)).toBe(wanted);
});

describe("without a terminal", () => {
  it("prints a line for each run and no control characters", () => {
    const { shown, written } = collector();
    shown.show({ type: "queued", campaign: "c1", runs: 2 });
    shown.show({ type: "finished", run: run(0), record: record(0, "failed", { error: "no" }), warnings: [] });
    shown.show(summary([record(0, "failed", { error: "no" })]));
    expect(written.stderr).toBe("[1/2] C #0 $a=1, $repetition=0: failed after 1.5 s: no\n");
    expect(written.stdout).toContain(
      "3 runs in 1 min 01 s: 2 done, 1 failed. Results are in results, those of the other runs in results/failed.\n",
    );
  });

  it("prints nothing with --quiet unless something went wrong", () => {
    const { shown, written } = collector({ quiet: true });
    shown.show({ type: "expanded", config: "C", runs: 2 });
    shown.show({ type: "warning", message: "look", details: [] });
    shown.show(summary([]));
    expect(written).toEqual({ stderr: "warning: look\n", stdout: "" });
  });
});

it.each([
  [0, "0 B"],
  [999, "999 B"],
  [3400, "3.4 KB"],
  [69_960_000, "70 MB"],
  [4.3e9, "4.3 GB"],
])("formats %d bytes as %s", (bytes, text) => expect(formatSize(bytes)).toBe(text));

it.each([
  [950, "950"],
  [999_600, "1.0 M"],
  [12_300, "12 k"],
])("formats %d as %s", (value, text) => expect(formatNumber(value)).toBe(text));

it.each([
  [10, "1 s"],
  [7200, "8 s"],
  [61_000, "1 min 10 s"],
  [601_000, "11 min"],
  [7_500_000, "2 h 05 min"],
])("formats an estimate of %d ms as %s", (ms, text) => expect(formatEstimate(ms)).toBe(text));

it.each([
  ["abc", 3],
  ["速度", 4],
  ["e\u0301", 1],
  ["ｱ", 1],
  ["👩‍💻", 2],
  ["“…”", 3],
])("measures %s as %d columns wide", (text, width) => expect(textWidth(text)).toBe(width));

it.each([
  [7, "7 ms"],
  [440, "0.4 s"],
  [12_300, "12 s"],
  [200_000, "3 min 20 s"],
  [7_500_000, "2 h 05 min"],
  [280_000_000, "3 d 5 h"],
])("formats %d ms as %s", (ms, text) => expect(formatDuration(ms)).toBe(text));

it("aligns columns and marks texts that it shortens", () => {
  expect(
    formatTable([
      ["a", "bb"],
      ["ccc", "d"],
    ]),
  ).toEqual(["a    bb", "ccc  d"]);
  expect(shorten("abcdef", 4)).toBe("abc…");
  expect(shorten("速度速度", 6)).toBe("速度…");
  expect(wrap("one two three", 8, "  ")).toBe("one two\n  three");
  expect(wrap("a/very/long/path is whole", 5)).toBe("a/very/long/path\nis\nwhole");
  expect(wrap("a \u001b[32mgreen\u001b[39m word", 12)).toBe("a \u001b[32mgreen\u001b[39m word");
});
