import { expect, it } from "vitest";
import { machinePrice, mostSurplus, tableName } from "../../src/providers/aws/prices.ts";

it("counts the disk of a machine, which differs by its role", () => {
  const prices = { "c6i.large": 1 };
  expect(machinePrice("c6i.large", "worker", "us-east-1", prices)).toBeCloseTo(1 + (30 * 0.08) / 730, 6);
  expect(machinePrice("c6i.large", "manager", "us-east-1", prices)).toBeCloseTo(1 + (20 * 0.08) / 730, 6);
  expect(machinePrice("x9.huge", "worker", "us-east-1", undefined)).toBeUndefined();
});

it("knows no price in China", () => {
  expect(machinePrice("c6i.large", "worker", "cn-north-1", undefined)).toBeUndefined();
});

it.each([
  ["t3.large", 0.07],
  ["t3a.micro", 0.09],
  ["t3.2xlarge", 0.24],
  ["c6i.large", 0],
  ["t2.large", 0], // is not unlimited by default
])("a %s that computes all the time costs $%f an hour more", (type, price) => {
  expect(mostSurplus(type)).toBeCloseTo(price, 6);
});

it("says that old prices may have changed", () => {
  expect(tableName(Date.parse("2025-07-01"))).toMatch(/^the list prices of 20\d\d-\d\d$/);
  expect(tableName(Date.parse("2027-07-01"))).toMatch(/, which may have changed since$/);
});
