import { symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { readText } from "../../src/system/json.ts";
import * as regularFile from "../../src/system/regular-file.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

vi.mock("../../src/system/regular-file.ts", { spy: true });

afterEach(() => vi.restoreAllMocks());

it("reads a file that appears while it is being looked for", async () => {
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, "relay.json");
  vi.mocked(regularFile.openRegularFile).mockImplementationOnce(async () => {
    await writeFile(file, "{}"); // after it did not exist
    return undefined;
  });
  expect(await readText(file)).toBe("{}");
  expect(regularFile.openRegularFile).toHaveBeenCalledTimes(2);
});

it("reads no file that does not exist, and refuses what is not a regular file", async () => {
  await using folder = await temporaryDirectory();
  expect(await readText(path.join(folder.path, "none"))).toBeUndefined();
  const link = path.join(folder.path, "link");
  await symlink("nowhere", link);
  await expect(readText(link)).rejects.toThrow("link is not a regular file");
  await expect(readText(folder.path)).rejects.toThrow("is not a regular file");
});
