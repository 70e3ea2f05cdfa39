import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { KeptOutput } from "../../src/omnetpp/kept-output.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

async function kept(chunks: readonly string[]) {
  await using directory = await temporaryDirectory();
  const file = path.join(directory.path, "output");
  const output = new KeptOutput(file, { head: 4, tail: 3 });
  for (const chunk of chunks) output.write(Buffer.from(chunk));
  output.close();
  return { text: await readFile(file, "utf8"), omitted: output.omitted };
}

it.each([
  [["abc"], "abc"],
  [["abcd", "efg"], "abcdefg"],
  [["ab", "cdef", "g"], "abcdefg"],
])("keeps all of %j", async (chunks, text) => {
  expect(await kept(chunks)).toEqual({ text, omitted: 0 });
});

it.each([
  [["abcdefgh"], 1, "fgh"],
  [["abcdef", "gh", "ij"], 3, "hij"],
  [["abcd", "e", "f", "g", "h", "i"], 2, "ghi"],
])("keeps the beginning and the end of %j", async (chunks, omitted, end) => {
  const { text, omitted: counted } = await kept(chunks);
  expect(counted).toBe(omitted);
  expect(text).toMatch(new RegExp(`^abcd\n… ${omitted} bytes of the output omitted.*\n${end}$`));
});

it("reports a full disk when it is closed, and lets the simulation continue to print", () => {
  const output = new KeptOutput("/dev/full");
  output.write(Buffer.from("one"));
  expect(output.failed).toBe(true);
  output.write(Buffer.from("two"));
  expect(() => output.close()).toThrow("ENOSPC");
});
