import { expect, it, vi } from "vitest";
import { UserError } from "../../src/errors.ts";
import { YES } from "../../src/model/verdict.ts";
import { Postponed } from "../../src/queue/postponed.ts";
import { requeueRun, type FaultContext, type TroubledRun } from "../../src/worker/machine-faults.ts";
import { FetchFailed } from "../../src/worker/tree/repositories.ts";
import { TreeLost } from "../../src/worker/tree/slot-tree.ts";

/** Requeues a run because of an error on a machine whose folders and stores can be used. */
async function requeue(error: Error) {
  const judge = vi.fn((_error: unknown, _counts?: boolean) => Promise.resolve(YES));
  const renew = vi.fn(() => Promise.resolve());
  const report = vi.fn();
  const run = {
    taken: { report },
    job: {},
    campaign: { retries: 3 },
    slot: { renew },
  } as unknown as TroubledRun;
  const context = { health: { judge }, onError: () => undefined } as unknown as FaultContext;
  const ended = await requeueRun(error, run, context).catch((thrown: unknown) => thrown);
  return { ended, report, isRenewed: renew.mock.calls.length > 0, counts: judge.mock.calls[0]?.[1] };
}

it("counts a git host that does not answer against this machine, without emptying the slot", async () => {
  const { ended, report, isRenewed, counts } = await requeue(new FetchFailed("no route to host"));
  expect(ended).toBeInstanceOf(Postponed);
  expect(report).toHaveBeenCalledWith({
    type: "held",
    held: expect.stringContaining("no route to host") as string,
  });
  expect({ isRenewed, counts }).toEqual({ isRenewed: false, counts: true });
});

it("empties the slot of a run whose tree is lost", async () => {
  const { ended, isRenewed, counts } = await requeue(new TreeLost("removed"));
  expect(ended).toBeInstanceOf(Postponed);
  expect({ isRenewed, counts }).toEqual({ isRenewed: true, counts: true });
});

it("ends a run that cannot be started anywhere", async () => {
  const { ended, counts } = await requeue(new UserError("src/model: not found"));
  expect(ended).toMatchObject({ outcome: { state: "crashed" } });
  expect(counts).toBe(false);
});
