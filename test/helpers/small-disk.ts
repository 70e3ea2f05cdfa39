import { execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import type { TestContext } from "vitest";

/** A disk of its own, on which a test can run out of room. */
export async function smallDisk(directory: string, sizeKb: number, { skip }: TestContext) {
  await mkdir(directory, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeKb}k`, "none", directory], { stdio: "pipe" });
  } catch {
    skip("SKIPPED: a small disk can only be mounted by root");
  }
  return {
    enlarge: () => execFileSync("mount", ["-o", "remount,size=64m", directory]),
    protect: (how: "ro" | "rw") => execFileSync("mount", ["-o", `remount,${how}`, directory]),
    [Symbol.dispose]: () => execFileSync("umount", ["--lazy", directory]),
  };
}
