import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import {
  readNote,
  readNotes,
  recordRootsOutside,
  removeOldNotes,
  updateNote,
  writeNote,
} from "../../src/campaign/collect/notes.ts";
import { someCampaign } from "../helpers/campaign.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../helpers/temporary.ts";

const STUDY = { gitTop: "/c", directory: "/c/s", resultDirectory: "/c/s/results", outside: ["/data/"] };
const DAY = 24 * 3600_000;
const nobody = (): never => {
  throw new Error("a warning");
};

let state: TemporaryDirectory;
beforeEach(async () => {
  state = await temporaryDirectory();
  vi.stubEnv("XDG_STATE_HOME", state.path);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await state[Symbol.asyncDispose]();
});
const folder = (): string => path.join(state.path, "inet-swarm/campaigns");

it("knows what was queued on this machine, and where its study has been moved", async () => {
  const campaign = someCampaign({ id: "abcdefgh" });
  expect(await readNote("abcdefgh", nobody)).toBeUndefined();
  await updateNote(campaign, STUDY, true); // nothing is recorded about other users' campaigns
  expect(await readNotes(nobody)).toEqual([]);
  await writeNote({ campaign, study: STUDY, collected: false });
  expect(await readNote("abcdefgh", nobody)).toMatchObject({ campaign, study: STUDY, collected: false });
  const moved = { ...STUDY, directory: "/d/s" };
  await updateNote(campaign, moved, true);
  expect(await readNotes(nobody)).toMatchObject([{ study: moved, collected: true }]);
});

it("names notes that cannot be read, and continues with the others", async () => {
  await writeNote({ campaign: someCampaign({ id: "abcdefgh" }), study: STUDY, collected: false });
  await writeFile(path.join(folder(), "damaged1.json"), "{");
  await writeFile(path.join(folder(), "damaged2.json"), "{}");
  await mkdir(path.join(folder(), "damaged3.json"));
  await writeNote({ campaign: someCampaign({ id: "other123" }), study: STUDY, collected: false });
  const warnings: string[] = [];
  const notes = await readNotes((text) => warnings.push(text));
  expect(notes.map(({ campaign }) => campaign.id).sort()).toEqual(["abcdefgh", "other123"]);
  for (const id of ["damaged1", "damaged2", "damaged3"])
    expect(warnings.some((text) => text.includes(`ignoring the note of campaign ${id}`))).toBe(true);
});

it("refuses to read a file that is not a note", async () => {
  const warnings: string[] = [];
  for (const id of ["../../etc/passwd", "", "A", "a".repeat(99), "a/b"])
    expect(await readNote(id, (text) => warnings.push(text))).toBeUndefined();
  expect(warnings).toHaveLength(5);
});

it("removes notes of campaigns that were collected 60 days ago", async () => {
  for (const [id, collected] of [
    ["collected", true],
    ["waiting1", false],
    ["fresh123", true],
  ] as const)
    await writeNote({ campaign: someCampaign({ id }), study: STUDY, collected });
  const old = (Date.now() - 61 * DAY) / 1000;
  for (const id of ["collected", "waiting1"]) await utimes(path.join(folder(), `${id}.json`), old, old);
  await removeOldNotes();
  expect((await readdir(folder())).sort()).toEqual(["fresh123.json", "waiting1.json"]);
  await removeOldNotes(Date.now() + 364 * DAY); // the swarm of the waiting campaign was removed long ago
  expect(await readdir(folder())).toEqual([]);
});

it("knows the folders outside of a checkout in which its campaigns have records", async () => {
  expect(await recordRootsOutside("/c")).toEqual([]);
  const ids = { abcdefgh: "/data/a", bcdefghj: "/data/a", cdefghjk: "/c/s/results" };
  for (const [id, resultDirectory] of Object.entries(ids))
    await writeNote({
      campaign: someCampaign({ id }),
      study: { ...STUDY, resultDirectory },
      collected: true,
    });
  const elsewhere = { ...STUDY, gitTop: "/cc", resultDirectory: "/data/b" };
  await writeNote({ campaign: someCampaign({ id: "defghjkm" }), study: elsewhere, collected: true });
  await writeFile(path.join(folder(), "damaged1.json"), '"/c"');
  expect(await recordRootsOutside("/c")).toEqual(["/data/a"]);
});
