import { expect, it } from "vitest";
import { limitedStart, ownLimits, parseLimits } from "../../src/omnetpp/resource-limits.ts";

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max file size             unlimited            unlimited            bytes     
Max stack size            8388608              16777216             bytes     
Max core file size        0                    unlimited            bytes     
Max processes             96365                96365                processes 
Max open files            1024                 20000                files     
`;
const own = parseLimits(LIMITS, "Name:\tnode\nUmask:\t0022\n");

it("reads limits and umask in the kernel's format", () => {
  expect(own).toEqual({
    soft: { cpu: "unlimited", fileSize: "unlimited", stack: 8388608, core: 0, files: 1024 },
    hard: { cpu: "unlimited", fileSize: "unlimited", stack: 16777216, core: "unlimited", files: 20000 },
    umask: 0o022,
  });
  expect(parseLimits("", "")).toEqual({ soft: {}, hard: {}, umask: undefined });
  if (process.platform === "linux") expect(Object.keys(ownLimits().soft)).toContain("memory");
});

it("changes nothing if a worker has the limits of the terminal", () => {
  expect(limitedStart({ limits: own.soft, umask: 0o022 }, own)).toEqual({ script: "", refused: [] });
});

it("sets limits that differ, in the units of ulimit", () => {
  const limits = { stack: 4096 * 1024, core: 513, fileSize: 1024, cpu: 60, files: 512 };
  const { script, refused } = limitedStart({ limits, umask: 0o27 }, own);
  const expected = ["umask 0027", "ulimit -S -t 60", "ulimit -S -f 2", "ulimit -S -s 4096", "ulimit -S -c 2"];
  expect(script.split("; ")).toEqual([...expected, "ulimit -S -n 512"]);
  expect(refused).toEqual([]);
});

it("lowers limits above the worker's hard limit, and reports it", () => {
  const { script, refused } = limitedStart({ limits: { stack: "unlimited", files: 50_000 } }, own);
  expect(script).toBe("ulimit -S -s 16384; ulimit -S -n 20000");
  expect(refused).toEqual([
    "max stack size: unlimited, but the swarm's maximum is 16777216",
    "max open files: 50000, but the swarm's maximum is 20000",
  ]);
});
