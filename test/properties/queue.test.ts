import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRecord } from "../../src/campaign/collect/records.ts";
import { factsOfJob, factsOfRecord } from "../../src/dashboard/row.ts";
import { CampaignView } from "../../src/dashboard/campaign-view.ts";
import { isRelativeFile, isStoredBy } from "../../src/model/names.ts";
import { PROTOCOL } from "../../src/model/protocol.ts";
import { fileIn, parseAnswer } from "../../src/queue/answers.ts";
import { parseCampaign, parseRunJob, runNumbers } from "../../src/queue/entries.ts";
import { isInside } from "../../src/system/paths.ts";
import { parseOrExplain } from "../../src/system/json.ts";
import { DashboardFileSchema } from "../../src/providers/dashboard-file.ts";
import { SwarmStateSchema } from "../../src/providers/swarm-state.ts";
import { madeCampaign, madeRecord } from "../dashboard/made.ts";
import { always, answers, anyJson, damaged, textWith } from "./outside.ts";

const campaign = madeCampaign("abcdefgh", 5);
const job = {
  protocol: PROTOCOL,
  campaign: campaign.id,
  run: { config: campaign.config, runNumber: 3, iterationVariables: { a: "1" }, repetition: 0 },
};
const answer = {
  protocol: PROTOCOL,
  outcome: { state: "done", reason: "", exitCode: 0 },
  usage: { wallTimeMs: 1, cpuTimeMs: 1, peakMemoryBytes: 1 },
  startedAt: 1,
  finishedAt: 2,
  worker: "w",
  stored: "abcdefgh-3.1",
  files: [{ path: "results/a.sca", sizeBytes: 1, sha256: "0".repeat(64) }],
};
const place = fc.oneof(
  fc.constantFrom(
    "..",
    "../x",
    "/etc/passwd",
    "a/../../b",
    "a//b",
    "./a",
    "a\0b",
    ".",
    "",
    "a/.git/config",
    "a\\..\\b",
  ),
  fc.string({ unit: "binary" }),
);

describe("what is in the queue", () => {
  it("is a campaign of this id, or refused", () => {
    expect(parseCampaign(campaign.id, JSON.stringify(campaign))).toEqual(campaign);
    const text = fc.oneof(
      damaged(campaign).map((value) => JSON.stringify(value)),
      anyJson().map((value) => JSON.stringify(value)),
      textWith("{", "}"),
    );
    always(text, (entry) => {
      const parsed = answers(() => parseCampaign(campaign.id, entry));
      if (parsed !== undefined) expect(parsed.id).toBe(campaign.id);
    });
  });

  it("is a run of its campaign, or refused", () => {
    expect(parseRunJob(campaign, 3, JSON.stringify(job))).toEqual(job.run);
    always(fc.oneof(damaged(job), anyJson()), (entry) => {
      const run = answers(() => parseRunJob(campaign, 3, JSON.stringify(entry)));
      if (run !== undefined) expect([run.config, run.runNumber]).toEqual([campaign.config, 3]);
    });
    always(fc.array(fc.string()), (texts) => {
      for (const number of answers(() => runNumbers(texts))!)
        expect(Number.isSafeInteger(number) && number >= 0).toBe(true);
    });
  });

  it("is an answer that names only what the run stored, below the study, or refused", () => {
    const paths = place.map((file) => ({
      ...answer,
      files: [{ ...answer.files[0]!, path: file }],
      outputFile: file,
    }));
    const stored = place.map((name) => ({ ...answer, stored: name }));
    always(
      fc.oneof(damaged(answer), anyJson(), paths, stored),
      (entry) => {
        const parsed = answers(() => parseAnswer("abcdefgh-3", entry));
        if (parsed === undefined) return;
        if (parsed.stored !== undefined) expect(isStoredBy("abcdefgh-3", parsed.stored)).toBe(true);
        for (const { path } of parsed.files) {
          expect(isRelativeFile(path)).toBe(true);
          expect(isInside("/stored", answers(() => fileIn("/stored", path)) ?? "/stored")).toBe(true);
        }
      },
      1000,
    );
  });

  it("is shown as some state of a run, whatever it is", () => {
    const facts = fc.record({
      run: fc.constant(undefined),
      startedAt: fc.double(),
      finishedAt: fc.option(fc.double(), { nil: undefined }),
      progress: anyJson(),
      result: fc.oneof(anyJson(), damaged(answer)),
    });
    always(fc.tuple(facts, fc.boolean()), ([each, active]) => {
      const row = answers(() => factsOfJob(each, active))!;
      expect(row.state).toBeTypeOf("string");
      expect((row.error ?? "").length).toBeLessThanOrEqual(200);
    });
  });

  it("may name its variables freely", async () => {
    const names = fc.array(fc.oneof(fc.constantFrom("__proto__", "constructor", "toString"), fc.string()), {
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(names, { maxLength: 4 }), async (runs) => {
        const view = new CampaignView({ ...campaign, runs: runs.length });
        const jobs = runs.map((all, runNumber) => ({
          run: {
            ...job.run,
            runNumber,
            iterationVariables: Object.fromEntries(all.map((name) => [name, "v"])),
          },
          startedAt: undefined,
          finishedAt: undefined,
          progress: undefined,
          result: undefined,
        }));
        const queue = {
          openRuns: () => Promise.resolve(runs.map((_, at) => at)),
          jobs: (_: string, numbers: readonly number[]) => Promise.resolve(numbers.map((at) => jobs[at])),
          keptEnds: () => Promise.resolve(new Map()),
        };
        const look = { active: new Set<string>(), ended: new Set<string>() };
        await view.refresh(
          { campaign: view.campaign, cancelled: false, open: runs.length, superseded: 0, kept: 0 },
          look,
          queue,
          { folder: () => Promise.resolve(undefined) },
        );
        for (const row of view.rows.values())
          for (const value of row.values) expect(value).toBeTypeOf("string");
      }),
      { numRuns: 100 },
    );
  });
});

describe("our own files", () => {
  const record = madeRecord(campaign.id, 0);

  it("are records, or ignored", () => {
    expect(parseRecord(JSON.stringify(record))).toEqual(record);
    always(
      fc.oneof(
        damaged(record).map((value) => JSON.stringify(value)),
        anyJson().map((value) => JSON.stringify(value)),
        textWith("{", "}", "["),
      ),
      (text) => {
        const parsed = answers(() => parseRecord(text));
        if (parsed !== undefined) answers(() => factsOfRecord(parsed));
      },
    );
  });

  it("are states and addresses, or refused with a message that names the field", () => {
    const identity = { pid: 1, startTime: "1" };
    const states = [
      {
        format: 1,
        name: "local",
        target: "local",
        state: "running",
        runners: 1,
        socketDirectory: "/x",
        processes: [{ role: "redis", log: "/l", ...identity }],
      },
      { format: 1, name: "d", target: "docker", state: "running", docker: {}, services: { images: {} } },
    ];
    for (const state of states)
      always(damaged(state), (value) => answers(() => parseOrExplain(SwarmStateSchema, value, "state")));
    always(damaged({ port: 9181, token: "t", ...identity }), (value) => {
      const file = answers(() => parseOrExplain(DashboardFileSchema, value, "file"));
      if (file !== undefined) expect(file.port > 0 && file.port < 65_536).toBe(true);
    });
  });
});
