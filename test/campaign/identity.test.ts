import path from "node:path";
import { appendFile, mkdir, symlink, utimes, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { identityOf } from "../../src/campaign/plan/identity.ts";
import { planCampaign } from "../../src/campaign/plan/plan.ts";
import { inetLike, newWorkspace, simu5gLike } from "../helpers/projects.ts";
import { newSample, STAND_IN, type Sample } from "../helpers/tool.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";

let sample: Sample;
let place: TemporaryDirectory;

beforeEach(async () => {
  [sample, place] = await Promise.all([newSample(), temporaryDirectory()]);
  vi.stubEnv("PATH", `${STAND_IN}${path.delimiter}${process.env["PATH"]!}`);
  vi.stubEnv("XDG_CACHE_HOME", place.path);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await sample[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

async function identity(...args: string[]): Promise<string> {
  const request = { directory: sample.study, commit: undefined, program: undefined };
  await using plan = await planCampaign({ ...request, arguments: args.length > 0 ? args : ["-c", "Quick"] });
  return await identityOf(plan);
}

it.each<[string, () => Promise<unknown>]>([
  ["a commit of what is on the disk", () => sample.commit()],
  ["a commit that changes nothing", () => sample.commit({}, "nothing")],
  ["results of another config", () => sample.write({ "simulations/results/other.sca": "x" })],
  ["changes of documents", () => sample.write({ "README.md": "x", "docs/x.txt": "x", LICENSE: "x" })],
  ["a new time of a file", () => utimes(path.join(sample.study, "omnetpp.ini"), 1, 1)],
])("stays the same after %s", async (_, change) => {
  await sample.write({ "src/new.txt": "not committed" });
  const before = await identity();
  await change();
  expect(await identity()).toBe(before);
});

it.each(["simulations/omnetpp.ini", "src/Mm1.ned", "src/Queue.cc", "src/Queue.h", "src/in.xml"])(
  "changes with %s",
  async (file) => {
    const before = await identity();
    await appendFile(path.join(sample.path, file), "\n");
    expect(await identity()).not.toBe(before);
  },
);

it("changes with the options of the simulation, not with which of its runs are wanted", async () => {
  const before = await identity();
  for (const same of [
    ["-c", "Quick", "-r", "0..3"],
    ["-r", "5", "-s", "-c", "Quick", "-u", "Cmdenv"],
  ])
    expect(await identity(...same)).toBe(before);
  const others = ["--sim-time-limit=10s", "-n../src", "--vector-recording=false", "-lother"];
  await sample.write({ "simulations/libother.so": "" });
  vi.stubEnv("LD_LIBRARY_PATH", sample.study);
  const all = await Promise.all(others.map((option) => identity("-c", "Quick", option)));
  expect(new Set([before, ...all]).size).toBe(1 + others.length);
});

it("changes with a library that is named by its path when the library is built again", async () => {
  const library = path.join(place.path, "mine");
  await writeFile(path.join(place.path, "libmine.so"), "1");
  const before = await identity("-c", "Quick", "-l", library);
  await writeFile(path.join(place.path, "libmine.so"), "2 longer");
  expect(await identity("-c", "Quick", "-l", library)).not.toBe(before);
});

it("changes with variables that are named or that OMNeT++ reads, and with no others", async () => {
  const before = await identity();
  const named = async (environment: Record<string, string>): Promise<string> => {
    const request = { directory: sample.study, commit: undefined, program: undefined, environment };
    await using plan = await planCampaign({ ...request, arguments: ["-c", "Quick"] });
    return await identityOf(plan);
  };
  vi.stubEnv("MAPS", "/maps");
  expect(await identity()).toBe(before);
  const all = [await named({ MAPS: "1" }), await named({ MAPS: "2" })];
  vi.stubEnv("OMNETPP_NED_PATH", "/ned");
  all.push(await identity());
  expect(new Set([before, ...all]).size).toBe(4);
});

it("changes when the user builds OMNeT++ again", async () => {
  const root = path.join(place.path, "omnetpp");
  await mkdir(path.join(root, "lib"), { recursive: true });
  await mkdir(path.join(root, "bin"));
  for (const name of ["opp_run", "opp_makemake"])
    await symlink(path.join(STAND_IN, name), path.join(root, "bin", name));
  await writeFile(path.join(root, "lib/liboppsim.so"), "1");
  vi.stubEnv("PATH", `${root}/bin${path.delimiter}${process.env["PATH"]!}`);
  const before = await identity();
  await writeFile(path.join(root, "lib/liboppsim.so"), "2 longer");
  expect(await identity()).not.toBe(before);
});

it("changes with the compiler that PATH leads to", async () => {
  const compilers = path.join(place.path, "bin");
  await mkdir(compilers);
  vi.stubEnv("PATH", `${compilers}${path.delimiter}${process.env["PATH"]!}`);
  const before = await identity();
  await writeFile(path.join(compilers, "g++"), "#!/bin/sh\n", { mode: 0o755 });
  expect(await identity()).not.toBe(before);
});

it("ignores dates in file names", async () => {
  const name = "--output-scalar-file=${resultdir}/${runid}-${datetime}.sca";
  const first = await identity("-c", "Quick", name);
  await vi.waitFor(() => expect(Date.now() % 1000).toBeLessThan(100), { timeout: 30_000, interval: 20 });
  expect(await identity("-c", "Quick", name)).toBe(first);
});

it("changes with a needed project, including its NED files", async () => {
  await using workspace = await newWorkspace();
  const model = await workspace.add("model", await inetLike("identity"));
  const cell = await workspace.add("cell", simu5gLike("model"));
  const request = { directory: path.join(cell.path, "simulations"), commit: undefined, program: undefined };
  const cells = async (): Promise<string> => {
    await using plan = await planCampaign({ ...request, arguments: [] });
    return await identityOf(plan);
  };
  const before = await cells();
  expect(await cells()).toBe(before);
  await appendFile(path.join(model.path, "src/Mm1.ned"), "\n");
  const changed = await cells();
  expect(changed).not.toBe(before);
  await model.commit();
  expect(await cells()).toBe(changed);
});
