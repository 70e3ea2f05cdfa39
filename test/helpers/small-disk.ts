import { execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { vi, type TestContext } from "vitest";

/** A separate disk that a test can fill. */
export async function smallDisk(directory: string, sizeKb: number, { skip }: TestContext) {
  await mkdir(directory, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeKb}k`, "none", directory], { stdio: "pipe" });
  } catch {
    skip("SKIPPED: a small disk can only be mounted by root");
  }
  return {
    enlarge: () => execFileSync("mount", ["-o", "remount,size=64m", directory]),
    /** The unmount is refused as busy while something is being written. */
    protect: (how: "ro" | "rw") =>
      vi.waitFor(() => execFileSync("mount", ["-o", `remount,${how}`, directory], { stdio: "pipe" }), {
        timeout: 30_000,
        interval: 20,
      }),
    [Symbol.dispose]: () => execFileSync("umount", ["--lazy", directory]),
  };
}
