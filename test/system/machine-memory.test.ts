import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { totalmem } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { groupLimits, machineMemory } from "../../src/system/machine-memory.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** Returns the limits of control groups whose files have these contents, by their paths. */
async function limitsOf(membership: string, files: Record<string, string>) {
  await using place = await temporaryDirectory();
  const all = { "proc/self/cgroup": membership, ...files };
  for (const [file, text] of Object.entries(all)) {
    await mkdir(path.dirname(path.join(place.path, file)), { recursive: true });
    await writeFile(path.join(place.path, file), text);
  }
  const limits = groupLimits({
    proc: path.join(place.path, "proc"),
    cgroup: path.join(place.path, "cgroup"),
  });
  return limits.map(({ limit, used }) => ({ limit, used: used() }));
}

it("reads the limits of a control group and those that contain it", async () => {
  const limits = await limitsOf("0::/outer/inner\n", {
    "cgroup/outer/memory.max": "3000000\n",
    "cgroup/outer/memory.current": "1000000\n",
    "cgroup/outer/memory.stat": "anon 500000\ninactive_file 200000\nactive_file 100000\nfile 300000\n",
    "cgroup/outer/inner/memory.max": "max\n",
    "cgroup/outer/inner/memory.current": "900000\n",
  });
  expect(limits).toEqual([{ limit: 3_000_000, used: 700_000 }]);
});

it("reads the limit of a container, whose group has another path outside, by both versions of control groups", async () => {
  const files = { "memory.limit_in_bytes": "2000000\n", "memory.usage_in_bytes": "500000\n" };
  const stat = "inactive_file 1\ntotal_inactive_file 100000\ntotal_active_file 0\n";
  const first = await limitsOf("4:cpu:/\n3:memory:/docker/0123\n0::/\n", {
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`cgroup/memory/${name}`, text])),
    "cgroup/memory/memory.stat": stat,
  });
  expect(first).toEqual([{ limit: 2_000_000, used: 400_000 }]);
  const second = await limitsOf("0::/../other\n", {
    "cgroup/memory.max": "2000000\n",
    "cgroup/memory.current": "500000\n",
  });
  expect(second).toEqual([{ limit: 2_000_000, used: 500_000 }]);
});

it("finds no limit without control groups", async () => {
  expect(await limitsOf("", {})).toEqual([]);
});

describe.skipIf(process.platform !== "linux")("on Linux", () => {
  it("measures this machine and a process without its program code", () => {
    const memory = machineMemory();
    expect(memory.available()).toBeGreaterThan(0);
    expect(memory.available()).toBeLessThan(memory.total());
    const before = memory.usedBy(process.pid)!;
    const block = Buffer.alloc(100e6, 1);
    const after = memory.usedBy(process.pid)!;
    expect(after.now - before.now).toBeGreaterThan(0.9 * block.length);
    expect(after.peak).toBeGreaterThanOrEqual(after.now);
    expect(before.now).toBeLessThan(process.memoryUsage.rss());
    expect(memory.usedBy(2 ** 30)).toBeUndefined();
  });

  it("counts what the processes use that a process has started", async () => {
    const code =
      "globalThis.block = Buffer.alloc(100e6, 1); console.log('ready'); setInterval(() => {}, 1e6)";
    const child = spawn("sh", ["-c", '"$0" -e "$1"; exit', process.execPath, code], {
      stdio: ["ignore", "pipe", "ignore"],
      detached: true,
    });
    try {
      await once(child.stdout, "data");
      expect(machineMemory().usedBy(child.pid!)!.now).toBeGreaterThan(100e6);
    } finally {
      process.kill(-child.pid!, "SIGKILL");
    }
  });
});

it("counts all memory as available where it is not known what is in use", () => {
  const memory = machineMemory("darwin");
  expect([memory.total(), memory.available()]).toEqual([totalmem(), totalmem()]);
  expect(memory.usedBy(process.pid)).toBeUndefined();
});
