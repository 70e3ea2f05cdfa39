import { expect, it } from "vitest";
import {
  describeUnconnected,
  isOverdue,
  unconnectedRunners,
} from "../../src/providers/docker/unconnected.ts";

const MINUTE = 60_000;
const NOW = Date.parse("2026-01-31T18:05:00Z");
const runner = (hostname: string, minutes: number) => ({ hostname, since: NOW - minutes * MINUTE });

it("names the machines whose runners are running, but not connected to the queue", () => {
  const runners = [runner("w1", 10), runner("w2", 5)];
  const found = unconnectedRunners(runners, ["w1"], NOW - 20 * MINUTE, NOW);
  expect(found).toEqual([{ hostname: "w2", ms: 5 * MINUTE }]);
  expect(found.filter(isOverdue)).toEqual(found);
  expect(describeUnconnected(found[0]!, "swarm-s")).toBe(
    "w2: its runner, started 5 min 00 s ago, is not connected to the queue; check that UDP port 4789 and TCP and UDP port 7946 are open between w2 and the manager, and its log: docker service logs swarm-s_runner",
  );
});

it("gives a runner time to connect after it, or the queue, has started", () => {
  const found = unconnectedRunners([runner("w1", 0.4), runner("w2", 60)], [], NOW - MINUTE / 4, NOW);
  expect(found.map(({ hostname }) => hostname)).toEqual(["w1", "w2"]);
  expect(found.filter(isOverdue)).toEqual([]);
  expect(unconnectedRunners([runner("w1", 0.5)], [], 0, NOW).filter(isOverdue)).toHaveLength(1);
});

it("names nobody if Docker does not give its time", () => {
  expect(unconnectedRunners([runner("w1", 60)], [], 0, NaN).filter(isOverdue)).toEqual([]);
});
