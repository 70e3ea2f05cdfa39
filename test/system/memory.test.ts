import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { build } from "rolldown";
import { expect, it } from "vitest";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** Keeps 30 MB, and creates garbage that lives for a while: what survives two young collections is old. */
const PROGRAM = `
  const kept = Array.from({ length: 300_000 }, (_, index) => ({ index, text: "run " + index }));
  if (process.argv[2] === "small") keepHeapSmall(kept.length);
  const recent = [];
  for (let round = 0; round < 400; round++) {
    recent.push(Array.from({ length: 4000 }, (_, index) => ({ index, text: "job " + index })));
    if (recent.length > 20) recent.shift();
  }
  console.log(kept.length, process.resourceUsage().maxRSS);
`;

it("keeps the heap of a process close to the size of its live data", async () => {
  await using place = await temporaryDirectory();
  const file = path.join(place.path, "program.mjs");
  await build({
    input: "program",
    platform: "node",
    logLevel: "silent",
    plugins: [
      {
        name: "program",
        resolveId: (id) => (id === "program" ? id : null),
        load: (id) =>
          id === "program"
            ? `import { keepHeapSmall } from ${JSON.stringify(path.resolve("src/system/memory.ts"))};\n${PROGRAM}`
            : null,
      },
    ],
    output: { file },
  });
  const peakMb = async (...args: string[]): Promise<number> => {
    const { stdout } = await promisify(execFile)(process.execPath, [file, ...args]);
    const [kept, kilobytes] = stdout.split(" ").map(Number);
    expect(kept).toBe(300_000);
    return kilobytes! / 1024;
  };
  const [usual, small] = [await peakMb(), await peakMb("small")];
  expect(small).toBeLessThan(0.8 * usual);
});
