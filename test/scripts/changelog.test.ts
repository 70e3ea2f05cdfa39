import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { notesOf } from "../../scripts/changelog.js";

const CHANGELOG = `# Changelog

## Unreleased

## [1.10.0] - 2026-11-26

### Added

- a thing

## 1.1.0

- another thing
`;

describe("the notes of a release", () => {
  it("are the text below the heading of its version, without the others", () => {
    expect(notesOf("1.10.0", CHANGELOG)).toBe("### Added\n\n- a thing");
    expect(notesOf("1.1.0", CHANGELOG)).toBe("- another thing");
  });

  it("do not exist without a heading, or without text", () => {
    for (const version of ["1.1", "1.10.1", "Unreleased", ""])
      expect(notesOf(version, CHANGELOG)).toBeUndefined();
  });

  it("are found in this project's changelog", async () => {
    expect(notesOf("Unreleased", await readFile("CHANGELOG.md", "utf8"))).toMatch(/^### Added$/m);
  });
});
