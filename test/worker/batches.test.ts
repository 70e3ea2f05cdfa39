import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { Campaign } from "../../src/model/campaign.ts";
import { PROTOCOL } from "../../src/model/protocol.ts";
import { Batches, type ProcessTimes } from "../../src/worker/execute/batches.ts";
import type { SlotTree } from "../../src/worker/tree/slot-tree.ts";
import { someCampaign } from "../helpers/campaign.ts";
import { describeWithService } from "../helpers/services.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** A tree in which a build has produced these files. */
const treeWith = (root: string, ...products: string[]): SlotTree => ({
  mirror: "/",
  root,
  top: root.slice(1),
  source: { commit: "0".repeat(40) },
  buildKey: "key",
  manifest: { protocol: PROTOCOL, products, targets: [], nedExclusions: [] },
  dependencies: [],
  isPrivate: false,
  shared: new Map(),
  clean: { files: new Map(), directories: new Map(), opened: new Map() },
});
const nowhere = treeWith("/nowhere", "model");
/** An OMNeT++ whose processes cannot be copied. */
const none = { find: () => Promise.resolve(undefined) };
/** Times of a process that executed one run. */
const alone = (runMs: number): ProcessTimes => ({ runMs, startMs: 0 });
const wanted = (batchSize: number): Campaign => someCampaign({ id: "c1", batchSize });

it("executes runs one by one as long as their duration is unknown", () => {
  expect(new Batches(2, none).size(wanted(5), 100)).toBe(1);
});

it("executes no more runs in a process than the user wants, and long ones one by one", async () => {
  const batches = new Batches(2, none);
  await batches.learn(wanted(5), nowhere, alone(20));
  expect(batches.size(wanted(5), 100)).toBe(5);
  await batches.learn(wanted(5), nowhere, alone(4000));
  expect(batches.size(wanted(5), 100)).toBe(2);
  await batches.learn(wanted(5), nowhere, alone(60_000));
  expect(batches.size(wanted(5), 100)).toBe(1);
});

it("leaves work for the other slots, so that all end together", async () => {
  const batches = new Batches(2, none);
  await batches.learn(wanted(50), nowhere, alone(1));
  expect([99, 39, 7, 3, 0].map((waiting) => batches.size(wanted(50), waiting))).toEqual([25, 10, 2, 1, 1]);
});

it("forms no batch of a campaign after one was of no use", async () => {
  const batches = new Batches(2, none);
  await batches.learn(wanted(5), nowhere, alone(20));
  batches.forbid(wanted(5));
  await batches.learn(wanted(5), nowhere, alone(20));
  expect(batches.size(wanted(5), 100)).toBe(1);
});

it("waits for a batch ten times its expected duration, but no longer than for a run", async () => {
  const batches = new Batches(2, none);
  expect(batches.timeoutMs(someCampaign({ id: "c1" }), 3)).toBe(10_000);
  await batches.learn(wanted(5), nowhere, { runMs: 700, startMs: 100 });
  expect(batches.timeoutMs(wanted(5), 5)).toBe(36_000);
  expect(batches.timeoutMs(wanted(5), 1)).toBe(10_000);
  expect(batches.timeoutMs({ ...wanted(5), timeoutMs: 300 }, 5)).toBe(300);
});

describe("of an OMNeT++ whose process can be copied", () => {
  const campaign = someCampaign({ id: "c1" });
  const forking = { find: () => Promise.resolve("/fork-runs.so") };

  const sizeAfter = async (runMs: number, startMs: number, waiting = 1000, slots = 2): Promise<number> => {
    const batches = new Batches(2, forking);
    await batches.learn(campaign, nowhere, { runMs, startMs });
    await batches.learn(campaign, nowhere, { runMs, startMs }, 4);
    expect(batches.forkLibrary(campaign)).toBe("/fork-runs.so");
    return batches.size(campaign, waiting, slots);
  };

  it("executes so many runs in one process that its start hardly counts, for ten seconds at most", async () => {
    expect(await sizeAfter(1000, 80)).toBe(10);
    expect(await sizeAfter(1000, 900)).toBe(10);
    expect(await sizeAfter(3300, 230)).toBe(3); // INET's ber
    expect(await sizeAfter(1000, 20)).toBe(4);
  });

  it("executes runs one by one that are long compared with the start of their process", async () => {
    expect(await sizeAfter(2000, 20)).toBe(1);
    expect(await sizeAfter(60_000, 1000)).toBe(1);
    expect(await sizeAfter(8000, 1000)).toBe(1);
  });

  it("leaves work for the other machines of the swarm", async () => {
    expect(await sizeAfter(1000, 900, 127, 128)).toBe(1);
    expect(await sizeAfter(1000, 900, 1023, 128)).toBe(4);
  });

  it("plans batches that end well within the time limit of a run", async () => {
    const batches = new Batches(2, forking);
    const limited = { ...campaign, timeoutMs: 1000 };
    await batches.learn(limited, nowhere, { runMs: 50, startMs: 10 });
    await batches.learn(limited, nowhere, { runMs: 50, startMs: 10 }, 8);
    expect(batches.size(limited, 1000)).toBe(10);
    expect(batches.timeoutMs(limited, 10)).toBe(1000);
  });

  it("lets batches grow from small ones, because the first runs may be the shortest", async () => {
    const batches = new Batches(2, forking);
    const sizes: number[] = [];
    for (let runs = 1; sizes.length < 4; runs = sizes.at(-1)!) {
      await batches.learn(campaign, nowhere, { runMs: 10, startMs: 100 }, runs);
      sizes.push(batches.size(campaign, 10_000));
    }
    expect(sizes).toEqual([4, 16, 64, 256]);
  });

  it("executes runs one by one if the user wants that", async () => {
    const batches = new Batches(2, forking);
    await batches.learn(wanted(1), nowhere, alone(20));
    expect(batches.size(wanted(1), 100)).toBe(1);
    expect(batches.forkLibrary(wanted(1))).toBeUndefined();
  });
});

describeWithService("cc", "where the user has not said what he wants", () => {
  const omnetpp = { version: "7.0.0" };
  const programs: Record<string, string> = {
    stateless: "int main(void) { return 0; }",
    counting: "int runs = 0; int main(void) { return runs++; }",
  };

  async function learned(program: string, changes: Partial<Campaign>, tree = {}) {
    const directory = await temporaryDirectory();
    const code = path.join(directory.path, "model.c");
    await writeFile(code, programs[program]!);
    await promisify(execFile)("cc", ["-o", path.join(directory.path, "model"), code]);
    const campaign = someCampaign({ id: "c1", omnetpp, ...changes });
    const batches = new Batches(2, none);
    await batches.learn(campaign, { ...treeWith(directory.path, "model"), ...tree }, alone(20));
    await directory[Symbol.asyncDispose]();
    return batches.size(campaign, 100);
  }

  it("forms batches of a program that is stateless", async () => {
    expect(await learned("stateless", {})).toBe(26);
  });

  it.each<{ what: string; program?: string; changes?: Partial<Campaign>; tree?: Partial<SlotTree> }>([
    { what: "the program has variables of its own", program: "counting" },
    { what: "OMNeT++ is older than 7", changes: { omnetpp: { version: "6.3.0" } } },
    { what: "a library is named", changes: { arguments: ["-l", "../other/src/other"] } },
    { what: "runs are to be made alone", changes: { batchSize: 1 } },
    {
      what: "another project is needed",
      tree: { dependencies: [{} as SlotTree["dependencies"][number]] },
    },
  ])("forms none if $what", async ({ program = "stateless", changes = {}, tree = {} }) => {
    expect(await learned(program, changes, tree)).toBe(1);
  });
});
