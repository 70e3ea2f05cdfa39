import { PROTOCOL } from "../src/model/protocol.ts";
import { readFile } from "node:fs/promises";
import { toJsonSchema } from "@valibot/to-json-schema";
import { expect, it } from "vitest";
import { buildKey, ownBuildKey, type BuildRequest, type Dependency } from "../src/model/build.ts";
import { newCampaignId } from "../src/model/campaign.ts";
import { CampaignEventSchema } from "../src/model/events.ts";
import { RunRecordSchema } from "../src/model/result.ts";
import { SwarmFileSchema } from "../src/model/swarm-file.ts";

it.each([
  ["docs/events.schema.json", CampaignEventSchema],
  ["docs/record.schema.json", RunRecordSchema],
  ["docs/swarm.schema.json", SwarmFileSchema],
])("%s matches the code (else: npm run schema)", async (file, schema) => {
  const { title, ...published } = JSON.parse(
    await readFile(new URL(`../${file}`, import.meta.url), "utf8"),
  ) as Record<string, unknown>;
  expect(title).toBeTypeOf("string");
  expect(published).toEqual(JSON.parse(JSON.stringify(toJsonSchema(schema))));
});

const request: BuildRequest = {
  protocol: PROTOCOL,
  source: { url: "/a/.git", commit: "a".repeat(40) },
  sourcesHash: "s",
  checkoutName: "inet",
  project: "",
  recipe: { kind: "make", folder: "" },
  mode: "release",
  omnetpp: { version: "6.2.0" },
};

const inet: Dependency = {
  name: "inet",
  tree: "c".repeat(40),
  checkoutName: "inet",
  project: "",
  buildKey: "key",
  variable: "INET_ROOT",
  nedFolders: ["src"],
};

it("names a build by everything that decides its binaries, and by nothing else", () => {
  const key = buildKey(request);
  const elsewhere: BuildRequest = { ...request, source: { url: "/b/.git", commit: "b".repeat(40) } };
  expect(buildKey(elsewhere)).toBe(key);
  const others: Partial<BuildRequest>[] = [
    { sourcesHash: "t" },
    { mode: "debug" },
    { omnetpp: { version: "6.1.0" } },
    { stateFiles: { ".oppfeaturestate": "<features/>" } },
    { nedExclusions: [] },
    { environment: { A: "1" } },
    { dependencies: [inet] },
    { dependencies: [{ ...inet, buildKey: "other" }] },
    { dependencies: [{ ...inet, libraries: [] }] },
    { recipe: { kind: "none" } },
    { checkoutName: "other" },
    { project: "sub" },
  ];
  const keys = others.map((other) => buildKey({ ...request, ...other }));
  expect(new Set([key, ...keys]).size).toBe(others.length + 1);
  const source = request.source;
  const fromElsewhere = { dependencies: [{ ...inet, source, tree: "d".repeat(40), nedFolders: ["src"] }] };
  expect(buildKey({ ...request, ...fromElsewhere })).toBe(buildKey({ ...request, dependencies: [inet] }));
  expect(ownBuildKey(request, ["1 2"])).not.toBe(ownBuildKey(request, ["1 3"]));
});

it("names builds of other compilers differently, unless the user made them", () => {
  const [older, newer] = ["12", "13"].map((version) => ({ ...request, compilers: { "g++": version } }));
  expect(buildKey(older!)).not.toBe(buildKey(newer!));
  expect(ownBuildKey(older!, ["1 2"])).toBe(ownBuildKey(newer!, ["1 2"]));
});

it("creates ids that BullMQ accepts and people can type", () => {
  const ids = Array.from({ length: 1000 }, newCampaignId);
  expect(new Set(ids).size).toBe(1000);
  for (const id of ids) expect(id).toMatch(/^[a-z][a-z2-9]{7}$/);
});
