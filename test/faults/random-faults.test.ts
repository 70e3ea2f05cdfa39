import fc from "fast-check";
import { appendFileSync } from "node:fs";
import { userInfo } from "node:os";
import { describe, expect, it } from "vitest";
import { describeWithMongo } from "../helpers/mongo.ts";
import { describeWithService } from "../helpers/services.ts";
import { FAULTS, type Fault } from "./faults.ts";
import { expectRecovery } from "./verdict.ts";
import { startWorld, type Store } from "./world.ts";

/** RANDOM_FAULTS is the number of faults, RANDOM_RUNS the number of runs, SEED determines the choice. */
const { FAULTS_TABLE, RANDOM_FAULTS = "6", RANDOM_RUNS = "60", SEED = "16" } = process.env;
const SECONDS_PER_FAULT = 60;
/** Duration of a fault, most of which wait until a lock has expired; the campaign has to last as long as all of them. */
const FAULT_MS = 3000;
/** Two that are disturbed, and the swarm's own. */
const RUNNERS = 3;

describeWithService("cc", "a campaign with random faults", () => {
  describeWithService("redis-server", "with its servers", () => {
    describe("through a directory", () => {
      testRandomly("directory");
    });
    describeWithMongo("through GridFS", () => testRandomly("gridfs"));
  });
});

function testRandomly(store: Store): void {
  const [count, runs, seed] = [Number(RANDOM_FAULTS), Number(RANDOM_RUNS), Number(SEED)];
  const name = `${count} of seed ${seed} during ${runs} runs`;
  it(name, { timeout: count * SECONDS_PER_FAULT * 1000 + 300_000 }, async ({ onTestFailed }) => {
    const happened: string[] = [];
    onTestFailed(() => console.log(`seed ${seed}, through ${store}: ${happened.join("; ")}`));
    const chosen = fc.sample(fc.constantFrom(...FAULTS.filter((fault) => canRepeat(fault, store))), {
      seed,
      numRuns: count,
    });
    const [mayFail, mayStop] = [chosen.some((fault) => fault.mayFail), chosen.some((fault) => fault.mayStop)];
    await using world = await startWorld(store, runs);
    world.begin(runs, Math.ceil((count * FAULT_MS * RUNNERS) / runs));
    const isOver = (): boolean => [0, 1].includes(world.client.child.exitCode ?? -1);
    for (const [index, fault] of chosen.entries()) {
      await world.collected(Math.min(runs, Math.floor((index * runs) / (count + 1))), mayStop);
      if (isOver()) break;
      happened.push(fault.name);
      await fault.happen(world).catch((error: unknown) => {
        if (!isOver()) throw error; // else it hit nothing
      });
    }
    expect(happened.length).toBeGreaterThan(count / 2);
    const { states } = await expectRecovery(world, runs, {
      ...(mayFail && { mayFail }),
      ...(mayStop && { mayStop }),
    });
    const line = [store, `${happened.length} random faults during ${runs} runs`, JSON.stringify(states)];
    if (FAULTS_TABLE !== undefined) appendFileSync(FAULTS_TABLE, `${JSON.stringify(line)}\n`);
  });
}

/** It needs no preparation before the campaign, and loses no collected results. */
function canRepeat(fault: Fault, wanted: Store): boolean {
  const isPossible = userInfo().uid === 0 || fault.mounts !== true;
  return (fault.store ?? wanted) === wanted && !("prepare" in fault) && !fault.losesResults && isPossible;
}
