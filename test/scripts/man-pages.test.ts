import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { manPages } from "../../scripts/man-pages.js";
import { describePrograms } from "../../src/cli/programs.ts";
import { describeWithService } from "../helpers/services.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

const runFile = promisify(execFile);
const ABOUT = { version: "1.2.3", homepage: "https://example.org/swarm" };
const programs = await describePrograms();
const pages = [...manPages(programs, ABOUT)];
const pageOf = (name: string): string => new Map(pages).get(`${name}.1`)!.replaceAll(String.raw`\-`, "-");

describe("the man pages", () => {
  it("are those that package.json names", async () => {
    const { default: manifest } = await import("../../package.json", { with: { type: "json" } });
    expect(pages.map(([name]) => `dist/man/${name}`)).toEqual(manifest.man);
  });

  it("have every command and every option that --help shows", () => {
    for (const { program, commands } of programs) {
      const page = pageOf(program.name());
      const help = program.createHelp();
      const shown = [program, ...commands.filter((command) => command.name() !== "relay")];
      const options = shown.flatMap((command) => help.visibleOptions(command)).map(({ flags }) => flags);
      expect(options.length).toBeGreaterThan(5);
      expect(options.filter((flags) => !page.includes(`\\fB${flags}\\fR\n`))).toEqual([]);
      expect(shown.filter((command) => !page.includes(`\n${help.commandUsage(command)}\n`))).toEqual([]);
    }
    expect(pageOf("swarm-tool")).not.toContain("swarm-tool relay");
  });

  it("have the examples and exit codes of --help, and the other programs", () => {
    const page = pageOf("runall-swarm");
    expect(page).toMatch(/^ {2}130 {2}interrupted$/m);
    expect(page).toContain("\\fBswarm-tool\\fR(1)");
    expect(page).toContain("https://example.org/swarm");
  });

  it("have no line that groff takes for a request by accident", () => {
    const requests = pages.flatMap(([, page]) => page.match(/^[.'].*/gm) ?? []);
    expect(requests.filter((request) => !/^\.(?:TH|SH|SS|TP|PP|br|nf|fi)\b/.test(request))).toEqual([]);
  });
});

describeWithService("groff", "the man pages", () => {
  it.each(pages)("%s is accepted by groff without a warning", async (name, page) => {
    await using folder = await temporaryDirectory();
    const file = path.join(folder.path, name);
    await writeFile(file, page);
    const { stdout, stderr } = await runFile("groff", ["-man", "-Tascii", "-P-cbou", "-ww", file]);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/NAME[^]*SYNOPSIS[^]*OPTIONS[^]*SEE ALSO/);
  });
});
