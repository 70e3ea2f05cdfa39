import { describe, expect, it } from "vitest";
import { campaignTable } from "../../src/cli/runall/campaign-table.ts";
import { fitTable, formatTable } from "../../src/cli/terminal/format.ts";
import { fitText, forPeople, withTilde } from "../../src/cli/terminal/for-people.ts";
import { CampaignRenderer } from "../../src/cli/terminal/render.ts";
import { textWidth } from "../../src/cli/terminal/text-width.ts";
import type { RunRecord } from "../../src/model/result.ts";
import { someCampaign } from "../helpers/campaign.ts";
import { VirtualTerminal } from "../helpers/screen.ts";

const WIDTHS = [60, 100, 200];

const ERROR = [
  "runall-swarm: the build failed: make MODE=release -j2",
  "    src/Server.cc:12:5: error: 'queue' was not declared in this scope; did you mean 'Queue'? (needed by the server)",
  "hint: see the build log /home/ada/.cache/inet-swarm/swarms/local/builds/7c6f8a2533cfa7c94628e766fcac2f50.log, and correct the source",
].join("\n");

const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");

describe.each(WIDTHS)("in %d columns", (columns) => {
  it("a text is wrapped between words, with its indentation", () => {
    const lines = fitText(ERROR, columns).split("\n");
    for (const line of lines) if (textWidth(line) > columns) expect(wordsOf(line)).toHaveLength(1);
    expect(wordsOf(lines.join("\n"))).toEqual(wordsOf(ERROR));
    const [, first, second] = lines;
    expect(first).toMatch(/^ {4}src\/Server/);
    if (columns < 115) expect(second).toMatch(/^ {6}\S/);
  });

  it("the table of campaigns fits, and its words stay whole", () => {
    const counts = {
      cancelled: false,
      ended: 3,
      collected: 0,
      superseded: {},
      states: { done: 1200, failed: 3 },
    };
    const listings = [
      { ...counts, waiting: 8000, running: 24, campaign: someCampaign({ config: "Wireless", study: "net" }) },
      { ...counts, waiting: 0, running: 1, campaign: someCampaign({ config: "Quick", study: "b" }) },
    ];
    const lines = campaignTable(listings, { isTTY: true, columns }, 60_000);
    expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(columns);
    const words = wordsOf(lines.join("\n"));
    for (const word of ["Wireless", "8000", "waiting,", "running,", "collect,"])
      expect(words).toContain(word);
  });

  it("a campaign whose names are hostile prints no control character and breaks no word", () => {
    const stdout = new VirtualTerminal(columns);
    const stderr = new VirtualTerminal(columns);
    const shown = new CampaignRenderer({
      quiet: false, verbose: true, stdout, stderr, directory: "/study", now: () => 0, color: { stdout: false, stderr: false },
    }); // prettier-ignore
    const evil = "\u001b]0;title\u0007\u001b[2Jevil\r\u202eline\n";
    const run = { config: evil, runNumber: 0, iterationVariables: { [evil]: evil }, repetition: 0 };
    const record: RunRecord = {
      format: 1, campaign: "c1", ...run, state: "failed", reason: "error", error: `${evil} and a word at the end`,
      wallTimeMs: 1500, startedAt: "", finishedAt: "", worker: evil, commit: "", build: "", omnetpp: "", arguments: [],
      files: [], outputFile: `results/${evil}.out`,
    }; // prettier-ignore
    shown.show({ type: "building", key: "k", project: evil, reason: evil, log: `/home/${evil}` });
    shown.show({ type: "compiling", key: "k", started: 1, file: `${evil}.cc`, elapsedMs: 0 });
    shown.show({ type: "warning", message: evil, details: [evil] });
    shown.show({ type: "queued", campaign: "c1", runs: 1 });
    shown.show({ type: "finished", run, record, warnings: [evil] });
    shown.show({ type: "ended", summary: { campaign: "c1", states: { failed: 1 }, wallTimeMs: 1, resultDirectory: "/study/r", failed: [record] } }); // prettier-ignore
    const all = [...stdout.writes, ...stderr.writes].join("");
    expect(all).toContain("\\x1b]0;title\\x07\\x1b[2Jevil\\r\\u202eline\\n");
    expect(all.replaceAll("\u001b[K", "").replaceAll(/[\r\n]/g, "")).not.toMatch(/\p{Control}|\u202e/u);
    expect(wordsOf(stdout.lines.join("\n")).join(" ")).toContain(" word at the end");
  });
});

describe("a table", () => {
  const rows = [
    ["run", "variables", "reason"],
    ["#1", "$load=0.3, $size=10", "the queue is longer than its limit"],
    ["#12", "$load=0.9", "ok"],
  ];

  it("stays as it is if it fits", () => expect(fitTable(rows, 100)).toEqual(formatTable(rows)));

  it("wraps its cells between words", () => {
    expect(fitTable(rows, 40)).toEqual([
      "run  variables   reason",
      "#1   $load=0.3,  the queue is",
      "     $size=10    longer than its",
      "                 limit",
      "#12  $load=0.9   ok",
    ]);
  });

  it("has a block for each row if the words are too long for columns", () => {
    expect(fitTable(rows, 24)).toEqual([
      "run #1",
      "  variables: $load=0.3,",
      "    $size=10",
      "  reason: the queue is",
      "    longer than its",
      "    limit",
      "run #12",
      "  variables: $load=0.9",
      "  reason: ok",
    ]);
  });
});

it.each([
  ["see /home/ada/x.log", "see ~/x.log"],
  ["/home/ada is full", "~ is full"],
  ["(/home/ada/x), then", "(~/x), then"],
  ["/home/adam/x and /mnt/home/ada/x", "/home/adam/x and /mnt/home/ada/x"],
  [
    "DOCKER_HOST=unix:///home/ada/s '/home/ada/my files'",
    "DOCKER_HOST=unix:///home/ada/s '/home/ada/my files'",
  ],
])("shortens the home directory in %j", (text, expected) => {
  expect(withTilde(text, "/home/ada")).toBe(expected);
  expect(withTilde(text, "/")).toBe(text);
});

it("leaves text for programs as it is", () => {
  const text = `${process.env["HOME"] ?? "/root"}/${"a word ".repeat(40)}`;
  expect(forPeople(text, { isTTY: false, columns: 20 })).toBe(text);
  expect(forPeople("a b", { isTTY: true, columns: 1 })).toBe("a\n  b");
});
