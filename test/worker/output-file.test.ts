import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { makeOutputFolder, placeOutput } from "../../src/worker/execute/output-file.ts";
import type { SlotTree } from "../../src/worker/tree/slot-tree.ts";
import { someCampaign } from "../helpers/campaign.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const RUN = { config: "A", runNumber: 0, iterationVariables: {}, repetition: 0 };

/** Where the output of a run that wrote some files is placed; all relative to the checkout. */
async function placed(written: string[], asked: string | undefined, pid?: number): Promise<string> {
  await using directory = await temporaryDirectory();
  const mirror = path.join(directory.path, "root");
  const printed = path.join(directory.path, "output");
  await mkdir(path.join(mirror, "checkout/study"), { recursive: true });
  await writeFile(printed, "text");
  const { path: place } = await placeOutput(printed, { mirror, top: "checkout" } as SlotTree, {
    campaign: { ...someCampaign(), study: "study", resultDirectory: "results", appendsHost: true },
    run: RUN,
    written: written.map((file) => ({ path: path.join("checkout", file), sizeBytes: 1 })),
    printedTo: asked === undefined ? undefined : path.join(mirror, "checkout", asked),
    pid,
  });
  return path.relative("checkout", place);
}

it("inserts host and process id like the simulator, as its result files show", async () => {
  const host = hostname();
  expect(await placed([`own/A-0.${host}.77.sca`], "logs/A.0.out", 5)).toBe(`logs/A.0.${host}.77.out`);
  expect(await placed([`own/A-0.${host}.77`], "logs/A-0.out", 5)).toBe(`logs/A-0.${host}.77.out`);
  expect(await placed(["own/A-0.sca", `own/x.${host}.y.csv`], "logs/A-0", 5)).toBe(`logs/A-0.${host}.5`);
  expect(await placed([`study/results/A-#0.${host}.77.sca`], undefined)).toBe(
    `study/results/A-#0.${host}.77.out`,
  );
});

it("creates the folder of the output before the run, but none outside of the working tree", async () => {
  await using directory = await temporaryDirectory();
  const mirror = path.join(directory.path, "root");
  await mkdir(mirror);
  await symlink(directory.path, path.join(mirror, "link"));
  const tree = { mirror, top: "checkout" } as SlotTree;
  for (const file of ["checkout/logs/all.out", "link/evil/all.out", "../evil/all.out"])
    makeOutputFolder(tree, path.join(mirror, file));
  expect(await readdir(path.join(mirror, "checkout"))).toEqual(["logs"]);
  expect(await readdir(directory.path)).toEqual(["root"]);
});
