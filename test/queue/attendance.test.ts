import { expect, it } from "vitest";
import { watchWorkers } from "../../src/queue/attendance.ts";

it("reports once that no worker is connected, and once that one is connected again", async () => {
  const told: boolean[] = [];
  let workers: { name: string }[] = [];
  let looks = 0;
  const queue = {
    getWorkers: () => {
      looks++;
      return looks === 3 ? Promise.reject(new Error("away")) : Promise.resolve(workers);
    },
  };
  const attendance = watchWorkers(queue as never, (attended) => told.push(attended), 5);
  await expect.poll(() => looks).toBeGreaterThan(8);
  expect(told).toEqual([false]);
  workers = [{ name: "w" }];
  await expect.poll(() => told).toEqual([false, true]);
  workers = [];
  await expect.poll(() => told).toEqual([false, true, false]);
  attendance.seen();
  expect(told).toEqual([false, true, false, true]);
  attendance.stop();
});
