import { expect, it } from "vitest";
import { describeHost, relationOf, thisHost, type Host } from "../../src/system/host.ts";
import { hasEnded, identify, isAlive, lifeStatus } from "../../src/system/identity.ts";

const here: Host = { name: "login1", boot: "b1", pids: "4026531836" };

it.each<[string, Host | undefined, ReturnType<typeof relationOf>]>([
  ["not recorded by an earlier version", undefined, "here"],
  ["this host", here, "here"],
  ["this host under another name", { ...here, name: "renamed" }, "here"],
  ["this host before its last boot", { ...here, boot: "b0" }, "rebooted"],
  ["a container of this host before its last boot", { ...here, boot: "b0", pids: "4026532000" }, "rebooted"],
  ["another machine", { name: "login2", boot: "b2", pids: "4026531836" }, "elsewhere"],
  ["another container of this machine", { ...here, pids: "4026532000" }, "elsewhere"],
  ["another container with a name of its own", { name: "c1", boot: "b1", pids: "4026532000" }, "elsewhere"],
])("recognizes a host that is %s", (_, host, relation) => {
  expect(relationOf(host, here)).toBe(relation);
});

it("does not confuse two machines whose systems report no boot id", () => {
  const bare = { name: "mac1", boot: "", pids: "" };
  expect(relationOf(bare, bare)).toBe("here");
  expect(relationOf({ ...bare, name: "mac2" }, bare)).toBe("elsewhere");
});

it("treats a container as such only if it shares the machine's name", () => {
  expect(describeHost({ ...here, pids: "1" }, here)).toBe("another container of login1");
  expect(describeHost({ ...here, name: "login2", boot: "b2" }, here)).toBe("login2");
});

it("records this host with each process, and knows nothing about processes of another host", () => {
  const own = identify(process.pid)!;
  expect(own.host).toEqual(thisHost());
  expect(isAlive(own)).toBe(true);
  const foreign = { ...own, host: { ...thisHost(), name: "login2", boot: "b2" } };
  expect([lifeStatus(foreign), isAlive(foreign), hasEnded(foreign)]).toEqual(["elsewhere", false, false]);
  const before = { ...own, host: { ...thisHost(), boot: "b0" } };
  expect([lifeStatus(before), isAlive(before), hasEnded(before)]).toEqual(["ended", false, true]);
  const { host: _, ...unknown } = own; // as an earlier version wrote it
  expect(isAlive(unknown)).toBe(true);
});
