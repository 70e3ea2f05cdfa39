import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { descendantsOf } from "../../src/system/descendants.ts";

it.each(["linux", "darwin"] as const)("finds child processes and theirs as on %s", async (platform) => {
  const script = "sh -c 'sleep 600 & echo $!; wait' & wait";
  const shell = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"], detached: true });
  try {
    const [line] = (await once(shell.stdout, "data")) as [Buffer];
    const sleeper = Number(line.toString());
    const found = descendantsOf(shell.pid!, platform);
    expect(found).toContain(sleeper);
    expect(found).toHaveLength(2);
    expect(descendantsOf(sleeper, platform)).toEqual([]);
  } finally {
    process.kill(-shell.pid!, "SIGKILL");
  }
});
