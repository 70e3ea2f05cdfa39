import { mkdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { derivedFiles, findCheckout } from "./checkouts.js";
import { parseTable } from "./entry.js";
import { compareExpansion, parseDryRun, parseRuns } from "./expansion.js";
import { runBounded } from "./run-bounded.js";
import { collectFiles, findChanges, takeSnapshot } from "./snapshot.js";
import { TABLE } from "./table.js";
import { temporaryDirectory } from "../helpers/temporary.ts";

const ENTRY = { repository: "someone/model", shape: "plain", study: ".", config: "General", runs: 2 };

describe("the table", () => {
  it("is valid, and has 40 repositories and 15 shapes", () => {
    const entries = parseTable(TABLE);
    expect(new Set(entries.map(({ repository }) => repository)).size).toBeGreaterThanOrEqual(40);
    expect(new Set(entries.map(({ shape }) => shape)).size).toBeGreaterThanOrEqual(15);
  });

  it.each([
    ["a field is missing", { ...ENTRY, config: undefined }, "config"],
    ["a field is unknown", { ...ENTRY, filters: "0" }, "unknown field filters"],
    ["a study is outside the checkout", { ...ENTRY, study: "../other" }, "study"],
    ["a program is absolute", { ...ENTRY, program: "/bin/true" }, "program"],
    ["a commit is a branch", { ...ENTRY, commit: "main" }, "commit"],
    ["there are no runs", { ...ENTRY, runs: 0 }, "runs"],
    ["a repository has no owner", { ...ENTRY, repository: "model" }, "repository"],
    ["it is not an object", "model", "not an object"],
  ])("is refused if %s", (_, entry, text) => {
    expect(() => parseTable([entry])).toThrow(text);
  });

  it("is refused if it contains an entry twice", () => {
    expect(() => parseTable([ENTRY, { ...ENTRY }])).toThrow("twice");
    expect(parseTable([ENTRY, { ...ENTRY, ini: "other.ini" }])).toHaveLength(2);
  });
});

describe("expansion", () => {
  const listed = parseRuns("Run 0: $x=1, $repetition=0\r\nRun 1: $x=2, $repetition=0\n");

  it("reads both lists", () => {
    expect(listed).toEqual(
      parseDryRun("Load #0: $x=1, $repetition=0\nLoad #1: $x=2, $repetition=0\nwould send\n"),
    );
    expect(listed).toHaveLength(2);
  });

  it("reports each kind of difference", () => {
    expect(compareExpansion(listed, listed, 2)).toBeUndefined();
    expect(compareExpansion(listed, listed, 3)).toContain("the table 3");
    expect(compareExpansion(listed, listed.slice(1), 2)).toContain("lists 1 runs");
    const shifted = listed.map((run) => ({ ...run, number: run.number + 1 }));
    expect(compareExpansion(listed, shifted, 2)).toContain("#1");
    const swapped = listed.map((run) => ({ ...run, variables: "$x=3" }));
    expect(compareExpansion(listed, swapped, 2)).toContain("$x=3");
  });
});

describe("snapshots", () => {
  it("list what was written, touched and removed, except for the repository's own files", async () => {
    await using temporary = await temporaryDirectory();
    const directory = temporary.path;
    await mkdir(path.join(directory, ".git"));
    for (const file of ["same", "changed", "touched", "removed"])
      await writeFile(path.join(directory, file), file);
    const before = await takeSnapshot(directory);
    await writeFile(path.join(directory, "changed"), "otherwise");
    await utimes(path.join(directory, "touched"), 1, 1);
    await rm(path.join(directory, "removed"));
    await mkdir(path.join(directory, "results"));
    await writeFile(path.join(directory, "results", "a.sca"), "a");
    await writeFile(path.join(directory, ".git", "index"), "");
    const { written, removed } = findChanges(before, await takeSnapshot(directory));
    expect(written).toEqual(["changed", path.join("results", "a.sca"), "touched"]);
    expect(removed).toEqual(["removed"]);
    await using other = await temporaryDirectory();
    const place = path.join(other.path, "collected");
    await collectFiles(directory, written, place);
    expect(await readFile(path.join(place, "results", "a.sca"), "utf8")).toBe("a");
  });
});

describe("checkouts", () => {
  it("are found by owner and name, or by name", async () => {
    await using temporary = await temporaryDirectory();
    const folder = temporary.path;
    await mkdir(path.join(folder, "model", ".git"), { recursive: true });
    expect(findCheckout(ENTRY, [folder])).toBe(path.join(folder, "model"));
    await mkdir(path.join(folder, "someone+model", ".git"), { recursive: true });
    expect(findCheckout(ENTRY, [folder])).toBe(path.join(folder, "someone+model"));
    expect(findCheckout({ repository: "someone/other" }, [folder])).toBeUndefined();
  });

  it("are cleaned of files that a clean build generates", () => {
    const files = ["A.msg", "A_m.cc", "A_m.h", "B_m.cc", "out/x", "src/out/y.o", "src/layout/z.cc", "main.o"];
    expect(derivedFiles(files)).toEqual(["A_m.cc", "A_m.h", "out/x", "src/out/y.o", "main.o"]);
  });
});

describe("a bounded program", () => {
  it("returns its output", async () => {
    const options = { directory: ".", deadline: Date.now() + 60_000 };
    expect(await runBounded(["sh", "-c", "echo out; echo err >&2"], options)).toMatchObject({
      succeeded: true,
    });
    const failed = await runBounded(["sh", "-c", "echo broken; exit 3"], options);
    expect(failed.succeeded).toBe(false);
    expect(failed.reason).toMatch(/exit code 3\nbroken$/);
    expect(await runBounded(["no-such-program"], options)).toMatchObject({ succeeded: false });
  });

  it("is killed at its deadline, with all processes that it has started", async () => {
    const ended = await runBounded(["sh", "-c", "sleep 600 | cat"], {
      directory: ".",
      deadline: Date.now() + 50,
    });
    expect(ended.reason).toContain("not ended in time");
  });
});
