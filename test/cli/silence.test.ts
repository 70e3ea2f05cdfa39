import { describe, expect, it } from "vitest";
import type { CampaignEvent } from "../../src/model/events.ts";
import { CampaignRenderer } from "../../src/cli/terminal/render.ts";
import { usageLines } from "../../src/cli/terminal/summary.ts";
import { VirtualTerminal } from "../helpers/screen.ts";

const BUILDING: CampaignEvent = {
  type: "building",
  key: "k",
  project: "mm1",
  reason: "there are no binaries",
  log: "/cache/build.log",
};

function compiling(started: number, more: { total?: number; lastMs?: number } = {}): CampaignEvent {
  return {
    type: "compiling",
    key: "k",
    started,
    file: `File${started}.cc`,
    elapsedMs: started * 1000,
    ...more,
  };
}

function run(runNumber: number) {
  return { config: "C", runNumber, iterationVariables: {}, repetition: 0 };
}

/** A renderer with a clock that the test moves; without columns, its output is not a terminal. */
function shownOn(columns: number | undefined, { quiet = false } = {}) {
  const terminal = new VirtualTerminal(columns ?? 80);
  const lines: string[] = [];
  const plain = { write: (text: string) => lines.push(text) > 0, isTTY: false, columns: 0 };
  const clock = { now: 0 };
  const shown = new CampaignRenderer({
    quiet,
    verbose: false,
    stdout: columns === undefined ? plain : terminal,
    stderr: columns === undefined ? plain : terminal,
    directory: "/study",
    now: () => clock.now,
    color: { stdout: false, stderr: false },
  });
  /** Lets time pass, during which the renderer is refreshed every five seconds. */
  const wait = (seconds: number): void => {
    for (let passed = 0; passed < seconds; passed += 5) {
      clock.now += 5000;
      shown.refresh();
    }
  };
  return { shown, clock, wait, terminal, lines };
}

describe("a build on a terminal", () => {
  it.each([
    [200, "building mm1… [20/60] File20.cc, 20 s, about 1 min 20 s left"],
    [60, "building mm1… [20/60], 20 s, about 1 min 20 s left"],
    [30, "building mm1… [20/60], 20 s"],
    [20, "building mm1…"],
  ])("of %d columns shows file, time and estimate", (columns, line) => {
    const { shown, clock, terminal } = shownOn(columns);
    shown.show(BUILDING);
    clock.now += 20_000;
    shown.show(compiling(20, { total: 60, lastMs: 100_000 }));
    expect(terminal.last).toBe(line);
  });

  it("counts on between two reports, and shows only the time before the first one", () => {
    const { shown, wait, terminal } = shownOn(80);
    shown.show(BUILDING);
    wait(10);
    expect(terminal.last).toBe("building mm1… 10 s");
    shown.show(compiling(2));
    wait(30);
    expect(terminal.last).toBe("building mm1… [2] File2.cc, 32 s");
  });
});

describe("without a terminal", () => {
  it("prints one line a minute while nothing else is printed", () => {
    const { shown, wait, lines } = shownOn(undefined);
    shown.show(BUILDING);
    expect(lines).toHaveLength(1);
    shown.show(compiling(7, { total: 60 }));
    wait(55);
    expect(lines).toHaveLength(1);
    wait(5);
    expect(lines.slice(1)).toEqual(["building mm1… [7/60] File7.cc, 1 min 07 s, about 8 min 30 s left\n"]);
    wait(115);
    expect(lines).toHaveLength(3);
    wait(5);
    expect(lines).toHaveLength(4);
  });

  it("prints the progress of long runs, but not while runs end", () => {
    const { shown, wait, lines } = shownOn(undefined);
    shown.show({ type: "queued", campaign: "c1", runs: 4 });
    shown.show({ type: "started", run: run(0) });
    wait(50);
    shown.say("a line");
    wait(50);
    expect(lines).toEqual(["a line\n"]);
    wait(10);
    expect(lines.slice(1)).toEqual(["0 of 4 runs done, 1 running, 0 %\n"]);
  });

  it("prints nothing with --quiet", () => {
    const { shown, wait, lines } = shownOn(undefined, { quiet: true });
    shown.show(BUILDING);
    wait(300);
    expect(lines).toEqual([]);
  });
});

describe("the speedup", () => {
  const linesFor = (runTimeMs: number, spanMs: number): string =>
    usageLines(
      {
        states: { done: 2 },
        wallTimeMs: 1,
        resultDirectory: "/r",
        failed: [],
        made: { runs: 2, runTimeMs, spanMs, sizeBytes: 0, longest: [] },
      },
      undefined,
    ).join("\n");

  it.each([
    ["is shown if runs were executed concurrently", 60_000, 20_000, "run time 1 min 00 s, 3.0× speedup"],
    ["is not shown if they were executed one after the other", 60_000, 61_000, "run time 1 min 00 s"],
    ["is not shown if they were interrupted for a night", 60_000, 40_000_000, "run time 1 min 00 s"],
    ["is not shown if all took less than a second", 900, 300, "run time 0.9 s"],
  ])("%s", (_when, runTimeMs, spanMs, line) => expect(linesFor(runTimeMs, spanMs)).toBe(line));
});
