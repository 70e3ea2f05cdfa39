import { describe, expect, it } from "vitest";
import { parseOwnOptions } from "../../src/cli/runall/runall-options.ts";
import { silentContext } from "../helpers/command-context.ts";

const GIB = 2 ** 30;

async function memoryOf(text: string): Promise<number | undefined> {
  return (await parseOwnOptions(["--memory", text], silentContext()))?.limits.memoryBytes;
}

describe("--memory", () => {
  it.each([
    ["512M", 512 * 2 ** 20],
    ["3G", 3 * GIB],
    ["3g", 3 * GIB],
    ["3 GiB", 3 * GIB],
    ["3Gi", 3 * GIB],
    ["1.5GiB", 1.5 * GIB],
    ["1T", 1024 * GIB],
    ["1.5GB", 1.5 * GIB],
    ["200mb", 200 * 2 ** 20],
  ])("takes %s as Docker does", async (text, bytes) => {
    expect(await memoryOf(text)).toBe(bytes);
  });

  it.each(["3", "G", "-1G", "0G", "3K", "3GG", "3GiBs", "1e3G", ""])("refuses %j", async (text) => {
    await expect(memoryOf(text)).rejects.toThrow("is not an amount of memory");
  });
});
