import { appendFileSync } from "node:fs";
import { userInfo } from "node:os";
import { rm } from "node:fs/promises";
import { afterAll, afterEach, describe, it } from "vitest";
import { describeWithMongo } from "../helpers/mongo.ts";
import { describeWithService } from "../helpers/services.ts";
import { FAULTS, type Fault } from "./faults.ts";
import { expectRecovery } from "./verdict.ts";
import { startWorld, type Store, type World } from "./world.ts";

/** A campaign of so many takes a second or two. */
const RUNS = 40;
/** Pause of each run if the fault hits a run: the campaign then lasts some seconds. */
const IDLE_MS = 500;
/** The fault happens when so many have been collected. */
const COLLECTED = 5;
const IN_SHORT = ["a runner is killed", "the client is stopped", "the cache of a runner is emptied"];
/** File to which a line is appended for each fault; see scripts/test-faults.js. */
const { FAULTS_TABLE } = process.env;

describeWithService("cc", "a campaign continues when", () => {
  describeWithService("redis-server", "with its servers", () => {
    describe("results go through a directory:", () => {
      testFaults("directory");
    });
    describeWithMongo("results go through GridFS:", () => testFaults("gridfs"));
  });
});

function testFaults(store: Store): void {
  let current: World | undefined;
  const end = async (): Promise<void> => {
    await current?.[Symbol.asyncDispose]();
    current = undefined;
  };
  afterEach(({ task }) => (task.result?.state === "fail" ? end() : undefined)); // the next one gets another swarm
  afterAll(end);

  for (const fault of faultsOf(store)) {
    it(fault.name, { timeout: 300_000 }, async ({ skip, onTestFailed }) => {
      if (fault.mounts && userInfo().uid !== 0) skip("SKIPPED: a disk can only be mounted by root");
      const tell = (outcome: string): void => {
        if (FAULTS_TABLE !== undefined)
          appendFileSync(FAULTS_TABLE, `${JSON.stringify([store, fault.name, outcome])}\n`);
      };
      onTestFailed(() => tell("FAILED"));
      const world = (current ??= await startWorld(store, RUNS));
      await rm(world.results, { recursive: true, force: true });
      using _ = await fault.prepare?.(world);
      world.begin(RUNS, fault.hitsRun ? IDLE_MS : 0);
      await world.collected(COLLECTED);
      await fault.happen(world);
      const { exitCode, states, repeated } = await expectRecovery(world, RUNS, fault);
      tell(
        `exit ${exitCode}, ${describeStates(states)}${repeated > 0 ? `; again: ${repeated} executed` : ""}`,
      );
    });
  }
}

/** Without the script, only faults that concern GridFS are tested with it: the others behave as with a directory. */
function faultsOf(store: Store): Fault[] {
  const wanted = FAULTS.filter((fault) => fault.store === undefined || fault.store === store);
  if (FAULTS_TABLE !== undefined || store === "directory") return wanted;
  return wanted.filter((fault) => fault.store === store || IN_SHORT.includes(fault.name));
}

function describeStates(states: Readonly<Record<string, number>>): string {
  return Object.entries(states)
    .map(([state, count]) => `${count} ${state}`)
    .join(", ");
}
