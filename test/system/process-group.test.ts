import { once } from "node:events";
import { expect, it } from "vitest";
import { identify } from "../../src/system/identity.ts";
import { startGroup } from "../../src/system/process-group.ts";

const options = {
  cwd: "/",
  env: process.env,
  stdio: ["ignore", "pipe", "inherit"] as ("ignore" | "pipe" | "inherit")[],
};

it("stops what the program started too", async () => {
  const group = await startGroup("sh", ["-c", "sleep 100 & echo $!; wait"], options);
  const [chunk] = (await once(group.child.stdout!, "data")) as [Buffer];
  const grandchild = Number(chunk.toString());
  expect(identify(grandchild)).toBeDefined();
  group.interrupt(1000);
  await group.ended;
  await expect.poll(() => identify(grandchild)).toBeUndefined();
});

it("kills a program that ignores the interrupt", async () => {
  const group = await startGroup("sh", ["-c", "trap '' INT; echo ready; while :; do sleep 1; done"], options);
  await once(group.child.stdout!, "data");
  group.interrupt(10);
  expect(await group.ended).toEqual({ exitCode: null, signal: "SIGKILL" });
});

it("names a program that cannot be started", async () => {
  await expect(startGroup("/nowhere/opp_run", [], options)).rejects.toThrow(
    "cannot start /nowhere/opp_run: command not found",
  );
});
