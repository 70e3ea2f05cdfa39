import { expect, it } from "vitest";
import { limitHints } from "../../src/campaign/collect/limit-hints.ts";

it.each([
  [
    "a time limit stopped runs",
    { done: 1, timeout: 2 },
    { timeoutMs: 2000, stopOnError: false },
    ["--timeout"],
  ],
  ["no run reached the time limit", { done: 3 }, { timeoutMs: 2000, stopOnError: false }, []],
  [
    "the first failure cancelled the others",
    { failed: 1, cancelled: 2 },
    { stopOnError: true },
    ["retry c1"],
  ],
  ["runs ran out of memory", { done: 1, "out-of-memory": 1 }, { stopOnError: false }, ["more memory"]],
  ["the user cancelled all", { done: 1, cancelled: 2 }, { stopOnError: true }, []],
  ["both", { timeout: 1, cancelled: 2 }, { timeoutMs: 1, stopOnError: true }, ["--timeout", "retry c1"]],
])("names the options that stopped runs if %s", (_, states, campaign, named) => {
  const hints = limitHints({ campaign: "c1", states }, campaign);
  expect(hints).toEqual(named.map((each) => expect.stringContaining(each) as string));
});
