import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { terminalPicture } from "../../scripts/terminal-picture.js";

const IMAGES = fileURLToPath(new URL("../../docs/images", import.meta.url));

/** The lines of a picture, with their styles. */
function linesOf(output: string, columns = 20): string[] {
  return [...terminalPicture(output, columns).matchAll(/<text [^>]*>(.*)<\/text>/g)].map(([, text]) => text!);
}

describe("the picture of a terminal", () => {
  it("shows the last state of lines that were overwritten", () => {
    expect(linesOf("1 of 2 runs done\r2 of 2\u001b[K\r\nend\r\n")).toEqual(["2 of 2", "end"]);
  });

  it("shows styles, and what XML would misread", () => {
    expect(linesOf("\u001b[32m12 done\u001b[39m, a<b\r\n")).toEqual([
      '<tspan class="green">12 done</tspan>, a&lt;b',
    ]);
  });

  it("breaks lines at the last column", () => {
    expect(linesOf("abcdef\r\n", 4)).toEqual(["abcd", "ef"]);
  });

  it("refuses what it cannot show", () => {
    expect(() => terminalPicture("\u001b[2J", 20)).toThrow("unexpected control sequence");
  });
});

describe.each(readdirSync(IMAGES))("docs/images/%s", (name) => {
  it("is small and names no place or token", () => {
    const file = path.join(IMAGES, name);
    expect(statSync(file).size).toBeLessThan(150_000);
    expect(readFileSync(file, "latin1")).not.toMatch(/\/(?:home|root|tmp|Users)\/|token=/);
  });
});
