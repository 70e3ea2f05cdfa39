import { expect, it, vi } from "vitest";
import { watchDiskSpace } from "../../src/worker/tree/disk-space.ts";

it("starts no run while the store is nearly full, and reports the reason once", async () => {
  const told: string[] = [];
  let share: number | undefined = 0.05;
  let looks = 0;
  const controller = new AbortController();
  const freeShare = (): Promise<number | undefined> => {
    looks++;
    return Promise.resolve(share);
  };
  const { signal } = controller;
  const onError = ({ message }: Error): void => void told.push(message);
  const { mayStart } = watchDiskSpace(
    { results: { freeShare } as never, directory: "/", signal, onError },
    1,
  );
  await mayStart(); // checks while the run starts
  await expect.poll(() => told).toEqual([expect.stringContaining("less than 10 % of the disk is free")]);

  let begun = false;
  const waiting = mayStart().then(() => (begun = true));
  await expect.poll(() => looks).toBeGreaterThan(5);
  expect(begun).toBe(false);
  share = 0.5;
  await waiting;
  expect(told).toHaveLength(1);

  share = 0.05;
  await expect
    .poll(async () => {
      await Promise.race([mayStart(), new Promise((resolve) => setTimeout(resolve, 5))]);
      return told;
    })
    .toHaveLength(2);
  const ending = mayStart();
  controller.abort();
  await ending;
});

it("has no effect if the store does not report its free space", async () => {
  const { signal } = new AbortController();
  const freeShare = vi.fn(() => Promise.resolve(undefined));
  const onError = vi.fn();
  const { mayStart } = watchDiskSpace(
    { results: { freeShare } as never, directory: "/", signal, onError },
    0,
  );
  for (let run = 0; run < 3; run++) await mayStart();
  await new Promise(setImmediate); // the store may be queried beside the runs
  expect(freeShare).toHaveBeenCalled();
  expect(onError).not.toHaveBeenCalled();
});
