import { expect, it } from "vitest";
import { awakeFor } from "../../src/system/awake.ts";

it("does not count the time in which the process was suspended", async () => {
  const order: string[] = [];
  const waiting = awakeFor(300).then(() => order.push("waited"));
  const until = performance.now() + 400;
  while (performance.now() < until); // as if the machine had slept
  setTimeout(() => order.push("answered"), 1);
  await waiting;
  expect(order).toEqual(["answered", "waited"]);
});

it("ends when it is cancelled", async () => {
  await expect(awakeFor(600_000, AbortSignal.abort())).rejects.toThrow(/abort/i);
});
