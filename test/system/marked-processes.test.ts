import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { identify } from "../../src/system/identity.ts";
import { endProcessesOf, MARKER } from "../../src/system/marked-processes.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** Starts a script in a folder and returns the pid that it prints. */
async function pidFrom(script: string, directory: string, marker?: string): Promise<number> {
  const env = { PATH: process.env["PATH"], ...(marker !== undefined && { [MARKER]: marker }) };
  const child = spawn("sh", ["-c", script], { cwd: directory, env, stdio: ["ignore", "pipe", "inherit"] });
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  child.stdout.destroy();
  if (child.exitCode === null) await once(child, "exit");
  return Number(chunk.toString());
}

const orphan = "setsid sh -c 'echo $$; exec sleep 1000 >/dev/null' & sleep 0.2";
const withoutEnvironment = "setsid env -i sh -c 'echo $$; exec sleep 1000 >/dev/null' & sleep 0.2";

it.each([
  ["has its marker and a session of its own", orphan, true],
  ["has cleared its environment and works in the folder", withoutEnvironment, false],
])("stops %s", async (_, script, marked) => {
  await using directory = await temporaryDirectory();
  const place = path.join(directory.path, "slots/1");
  await mkdir(place, { recursive: true });
  const pid = await pidFrom(script, marked ? "/" : place, marked ? place : undefined);
  expect(identify(pid)).toBeDefined();
  expect(await endProcessesOf(path.join(directory.path, "slots/10"))).toEqual([]);
  expect(identify(pid)).toBeDefined();
  expect(await endProcessesOf(directory.path)).toEqual([]);
  expect(identify(pid)).toBeUndefined();
});

it("examines only what was started after a given process, if there is one", async () => {
  await using directory = await temporaryDirectory();
  const first = await pidFrom(orphan, "/", directory.path);
  const second = await pidFrom(orphan, "/", directory.path);
  await endProcessesOf(directory.path, first);
  expect([identify(first) !== undefined, identify(second)]).toEqual([true, undefined]);
  await endProcessesOf(directory.path);
  expect(identify(first)).toBeUndefined();
});

it("does not stop a shell in which the user has changed to the folder", async () => {
  await using directory = await temporaryDirectory();
  const shell = spawn("sleep", ["1000"], { cwd: directory.path, stdio: "ignore" });
  await once(shell, "spawn");
  const holder = spawn("sh", ["-c", "sleep 1000 & echo $!; wait"], {
    cwd: directory.path,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [chunk] = (await once(holder.stdout, "data")) as [Buffer];
  const child = Number(chunk.toString());
  try {
    await endProcessesOf(directory.path);
    expect(identify(child)).toBeDefined();
  } finally {
    process.kill(child, "SIGKILL");
    for (const each of [shell, holder]) each.kill("SIGKILL");
  }
});
