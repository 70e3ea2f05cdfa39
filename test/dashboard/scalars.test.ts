import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { CampaignView } from "../../src/dashboard/campaign-view.ts";
import type { Row } from "../../src/dashboard/row.ts";
import { Scalars } from "../../src/dashboard/scalars.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";
import { collected, madeCampaign } from "./made.ts";

const file = (delay: string): string =>
  [
    "version 3",
    "run Load-0-20260101",
    "attr configname Load",
    "config sim-time-limit 10s",
    `scalar Net.queue "delay:mean" ${delay}`,
    'scalar "Net.host[0].app \\"a\\"" sent 17',
    "attr unit s",
    "scalar Net.queue length nan",
    "",
  ].join("\n");

function row(runNumber: number, finishedAt: number, scalars?: string): Row {
  return { runNumber, state: "done", values: [], repetition: 0, finishedAt, scalars };
}

it("reads each scalar file once for a scalar, and again when its run was executed again", async () => {
  await using directory = await temporaryDirectory("scalars-");
  const view = new CampaignView(madeCampaign("some", 3, directory.path));
  for (const run of [0, 1]) {
    await writeFile(path.join(directory.path, `${run}.sca`), file(`${run + 0.5}`));
    view.rows.set(run, row(run, 1000, `${run}.sca`));
  }
  view.rows.set(2, row(2, 1000));
  const scalars = new Scalars(
    view,
    collected(() => []),
  );
  expect(await scalars.names()).toEqual(['Net.host[0].app "a" sent', "Net.queue delay:mean"]);
  const both = [
    [0, 0.5],
    [1, 1.5],
  ];
  expect(await scalars.values("Net.queue delay:mean")).toEqual(both);
  expect(await scalars.values("Net.queue length")).toEqual([]);

  await rm(path.join(directory.path, "0.sca"));
  await writeFile(path.join(directory.path, "1.sca"), file("9"));
  expect(await scalars.values("Net.queue delay:mean")).toEqual(both);
  view.rows.set(1, row(1, 2000, "1.sca"));
  expect(await scalars.values("Net.queue delay:mean")).toEqual([
    [0, 0.5],
    [1, 9],
  ]);
});
