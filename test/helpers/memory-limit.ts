import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { vi, type TestContext } from "vitest";

/** Files of control groups, by their versions. */
const FIRST = { root: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes", events: "memory.oom_control" };
const SECOND = { root: "/sys/fs/cgroup", limit: "memory.max", events: "memory.events" };

/** A control group whose processes together can use only so much memory. */
export function memoryLimit(bytes: number, { skip }: TestContext) {
  const name = `inet-swarm-test-${randomUUID()}`;
  const version = existsSync(FIRST.root) ? FIRST : SECOND;
  const folder = path.join(version.root, name);
  try {
    mkdirSync(folder);
    writeFileSync(path.join(folder, version.limit), String(bytes), { flag: "r+" });
  } catch {
    skip("SKIPPED: memory can only be limited by root, and with control groups");
  }
  return {
    /** Moves a process into the group; processes that it starts from now on belong to it, too. */
    add: (pid: number) => writeFileSync(path.join(folder, "cgroup.procs"), String(pid)),
    /** How many processes the kernel has killed because of the limit. */
    kills: () =>
      Number(/^oom_kill (\d+)$/m.exec(readFileSync(path.join(folder, version.events), "utf8"))?.[1]),
    /** The group must not have processes any more. */
    [Symbol.asyncDispose]: () => vi.waitFor(() => rmdirSync(folder), { timeout: 10_000, interval: 50 }),
  };
}
