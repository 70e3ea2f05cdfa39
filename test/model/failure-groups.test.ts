import { expect, it } from "vitest";
import { groupFailures, groupLine } from "../../src/model/failure-groups.ts";
import type { OutcomeState } from "../../src/model/outcome.ts";
import type { RunRecord } from "../../src/model/result.ts";

const record = (runNumber: number, error: string | undefined, more: Partial<RunRecord> = {}): RunRecord =>
  ({ config: "General", runNumber, state: "failed", reason: "exit code 1", error, ...more }) as RunRecord;
const lines = (...records: RunRecord[]): string[] => groupFailures(records).map(groupLine);

it("treats errors as equal that differ only in details of one run", () => {
  expect(
    lines(
      record(0, "no route -- in module (Host) Net.host[3] (id=17), at t=1.5s, event #1023"),
      record(1, "no route -- in module (Host) Net.host[12] (id=9), at t=0.25s, event #7"),
      record(2, "no route -- in module (Host) Net.host[0] (id=1), at t=1e-06s, event #1"),
    ),
  ).toEqual([expect.stringMatching(/^3 × no route -- in module .*: General #0-#2$/)]);
  expect(lines(record(4, "pid 81 at 0x7ffe12: no"), record(9, "pid 4711 at 0xdeadbeef: no"))).toHaveLength(1);
  expect(
    lines(record(0, "cannot open General-#0.txt"), record(1, "cannot open General-#1.txt")),
  ).toHaveLength(1);
});

it.each([
  ["libfoo2.so is missing", "libfoo3.so is missing"],
  ["OMNeT++ 6.1.0 is needed", "OMNeT++ 6.2.0 is needed"],
  ["no gate in", "no gate out"],
])("distinguishes %j from %j", (one, other) => {
  expect(lines(record(0, one), record(1, other))).toHaveLength(2);
});

it("distinguishes exit codes and states", () => {
  const ended = (runNumber: number, state: OutcomeState, reason: string): RunRecord =>
    record(runNumber, undefined, { state, reason });
  const all = [
    ended(0, "crashed", "exit code 134"),
    ended(1, "crashed", "exit code 139"),
    ended(2, "failed", "exit code 139"),
    ended(3, "crashed", "exit code 139"),
  ];
  expect(lines(...all)).toEqual([
    "1 × exit code 134: General #0",
    "2 × exit code 139: General #1, #3",
    "1 × exit code 139: General #2",
  ]);
});

it("stays fast with very many runs", () => {
  const all = Array.from({ length: 100_000 }, (_, number) => record(number, `no route at event #${number}`));
  expect(lines(...all)).toEqual(["100000 × no route at event #0: General #0-#99999"]);
});
