import { expect, it } from "vitest";
import { drain, reporting, type ProgressEvent } from "../../src/providers/provider.ts";

async function told(
  work: (report: (text: string) => void) => Promise<number>,
): Promise<{ steps: string[]; result: Promise<number> }> {
  const steps: string[] = [];
  const result = drain<ProgressEvent, number>(reporting(work), (event) => {
    if (event.type === "step") steps.push(event.text);
  });
  await result.catch(() => undefined);
  return { steps, result };
}

it("yields what work reports, in order, and returns its result", async () => {
  const { steps, result } = await told(async (report) => {
    report("before the first wait");
    await Promise.resolve();
    report("after it");
    report("at the end");
    return 7;
  });
  expect(steps).toEqual(["before the first wait", "after it", "at the end"]);
  expect(await result).toBe(7);
});

it("yields what work has reported before it throws", async () => {
  const { steps, result } = await told(async (report) => {
    report("half");
    await Promise.resolve();
    throw new Error("broken");
  });
  expect(steps).toEqual(["half"]);
  await expect(result).rejects.toThrow("broken");
});

it("waits for the work when nobody listens any longer", async () => {
  let ended = false;
  let release = (): void => undefined;
  const events = reporting(async (report) => {
    report("first");
    await new Promise<void>((resolve) => (release = resolve));
    ended = true;
  });
  expect(await events.next()).toEqual({ done: false, value: { type: "step", text: "first" } });
  const closed = events.return(undefined);
  expect(ended).toBe(false);
  release();
  await closed;
  expect(ended).toBe(true);
});
