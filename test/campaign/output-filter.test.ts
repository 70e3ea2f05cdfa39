import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { rememberOutput } from "../../src/campaign/collect/known-outputs.ts";
import { outputFilter } from "../../src/campaign/plan/output-filter.ts";
import type { ProjectDescriptor } from "../../src/project/describe/descriptor.ts";
import type { Checkout } from "../../src/project/git/git.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

it("leaves out files that records name, files in result directories, and configured files that a run overwrites", async () => {
  await using temporary = await temporaryDirectory();
  const top = path.join(temporary.path, "checkout");
  const study = path.join(top, "study");
  const outside = path.join(temporary.path, "disk");
  await mkdir(study, { recursive: true });
  const known = path.join(top, "list.dat");
  await writeFile(known, "of a run");
  await rememberOutput(outside, known, { sizeBytes: 8, sha256: "" });
  const filter = await outputFilter({
    checkout: { top } as Checkout,
    study,
    project: { targets: [] } as unknown as ProjectDescriptor,
    binaries: [],
    resultDirectory: path.join(study, "results"),
    outputFiles: [
      path.join(study, "logs/A-0.out"),
      path.join(study, "vec/A-0.vec"),
      path.join(study, "a.csv"),
    ],
    recordRoots: [outside],
  });
  const left = (files: string[]): string[] => files.filter((file) => filter.isLeftOut(file));
  const outputs = ["study/logs/A-0.out", "study/vec/A-0.vec", "study/vec/A-0.vci", "list.dat", "study/.vci"];
  const sources = [
    "study/logs/A-1.out",
    "study/logs/A-0.ini",
    "study/a.csv",
    "logs/A-0.out",
    "study/list.dat",
  ];
  expect(left([...outputs, ...sources])).toEqual(outputs);
  expect(left(["study/results/anything", "study/results.txt"])).toEqual(["study/results/anything"]);
});
