import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it, vi } from "vitest";
import { stopIfDeleted } from "../../src/providers/local/halt-local.ts";
import type { LocalState } from "../../src/providers/swarm-state.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const STATE: LocalState = {
  format: 1,
  name: "s",
  target: "local",
  state: "running",
  runners: 1,
  socketDirectory: "/nowhere",
  processes: [],
};

it("ends nothing while the queue's data is only replaced, as during a repair", async () => {
  await using place = await temporaryDirectory("swarm-deleted-");
  const folders = { redis: path.join(place.path, "s", "redis"), cache: path.join(place.path, "cache") };
  const endSimulations = vi.fn(() => Promise.resolve());
  const isDeleted = (): Promise<boolean> => stopIfDeleted("s", folders, { endSimulations });
  await mkdir(folders.redis, { recursive: true });
  await writeFile(path.join(place.path, "s", "swarm.json"), JSON.stringify(STATE));
  expect(await isDeleted()).toBe(false);
  await rm(folders.redis, { recursive: true });
  expect(await isDeleted()).toBe(false);
  expect(endSimulations).not.toHaveBeenCalled();
  await rm(path.join(place.path, "s"), { recursive: true });
  expect(await isDeleted()).toBe(true);
  expect(endSimulations).toHaveBeenCalledWith(folders.cache);
});
