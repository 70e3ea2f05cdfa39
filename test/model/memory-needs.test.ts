import { expect, it } from "vitest";
import { MemoryNeeds } from "../../src/model/memory-needs.ts";

it("knows nothing before the first run", () => {
  expect(new MemoryNeeds().estimate({ hosts: "10" })).toBeUndefined();
});

it("expects of equal runs what the largest of them needed, and forgets an exception slowly", () => {
  const needs = new MemoryNeeds();
  needs.learn({ hosts: "10", rate: "1" }, 100);
  needs.learn({ rate: "1", hosts: "10" }, 400);
  expect(needs.estimate({ hosts: "10", rate: "1" })).toBe(400);
  for (let run = 0; run < 20; run++) needs.learn({ hosts: "10", rate: "1" }, 100);
  expect(needs.estimate({ hosts: "10", rate: "1" })).toBeLessThan(200);
});

it("expects of other runs no more than runs with the same or the nearest value of any variable needed", () => {
  const needs = new MemoryNeeds();
  needs.learn({ hosts: "10", protocol: "tcp" }, 100);
  needs.learn({ hosts: "100", protocol: "tcp" }, 1000);
  needs.learn({ hosts: "1000", protocol: "tcp" }, 6000);
  expect(needs.estimate({ hosts: "100", protocol: "udp" })).toBe(1000);
  expect(needs.estimate({ hosts: "50", protocol: "tcp" })).toBe(1000);
  expect(needs.estimate({ hosts: "5", protocol: "udp" })).toBe(100);
  expect(needs.estimate({ hosts: "many", protocol: "udp" })).toBe(6000);
});

it("takes a run that has not completed as a lower bound, which its end replaces", () => {
  const needs = new MemoryNeeds();
  needs.raise({ hosts: "10" }, 100);
  expect(needs.estimate({ hosts: "20" })).toBe(100);
  needs.raise({ hosts: "10" }, 90);
  expect(needs.estimate({ hosts: "10" })).toBe(100);
  expect(needs.learn({ hosts: "10" }, 102)).toBe(102);
  expect(needs.estimate({ hosts: "10" })).toBe(102);
});

it("keeps a peak that was expected: what runs with other variables need later does not change it", () => {
  const needs = new MemoryNeeds();
  expect(needs.learn({ rate: "1" }, 100)).toBe(100);
  expect(needs.learn({ rate: "2" }, 105)).toBe(105);
  expect(needs.learn({ rate: "3" }, 900)).toBe(900);
  expect(needs.estimate({ rate: "2" })).toBe(105);
});

it("reports only peaks that were not known, and of many runs only those that were not expected", () => {
  const needs = new MemoryNeeds();
  const reported = Array.from({ length: 1000 }, (_, run) => needs.learn({ rate: String(run) }, 100));
  expect(reported.filter((bytes) => bytes !== undefined)).toHaveLength(500);
  expect(needs.learn({ rate: "1" }, 105)).toBeUndefined();
  expect(needs.learn({ rate: "1000" }, 96)).toBeUndefined();
  expect(needs.learn({ rate: "1001" }, 300)).toBe(300);
});
