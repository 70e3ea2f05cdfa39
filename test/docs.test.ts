import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { optionsPage } from "../scripts/options-page.js";
import { describePrograms } from "../src/cli/programs.ts";
import { collectMessages } from "./helpers/messages.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DOCS = readdirSync(path.join(ROOT, "docs"))
  .filter((name) => name.endsWith(".md"))
  .map((name) => `docs/${name}`);
const OPTIONS = "docs/options.md";
const PAGES = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "examples/mm1/README.md", ...DOCS];

function read(page: string): string {
  return readFileSync(path.join(ROOT, page), "utf8");
}

/** Returns the anchors of a page's headings, as GitHub names them. */
function anchorsOf(page: string): string[] {
  const headings = read(page).matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Returns what is wrong with a link of a page; undefined if nothing is, or if it leads to another site. */
function faultOf(page: string, link: string): string | undefined {
  if (/^https?:/.test(link)) return undefined;
  const [file = "", anchor] = link.split("#");
  const target = file === "" ? page : path.join(path.dirname(page), file);
  if (!existsSync(path.join(ROOT, target))) return `${link}: no such file`;
  if (anchor !== undefined && !anchorsOf(target).includes(anchor)) return `${link}: no such heading`;
  return undefined;
}

it.each(PAGES)("%s links to files and headings that exist", (page) => {
  const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
  expect(links.map((link) => faultOf(page, link)).filter((fault) => fault !== undefined)).toEqual([]);
});

it("the README links to every page", () => {
  const readme = read("README.md");
  expect(DOCS.filter((page) => !readme.includes(`](${page})`))).toEqual([]);
});

it("the page of all options is the one that `npm run docs` writes", async () => {
  const written = await optionsPage(await describePrograms(), path.join(ROOT, OPTIONS));
  expect(read(OPTIONS), "it is outdated: run `npm run docs`").toBe(written);
});

/** Options of other programs and of this project's scripts, and what runall-swarm passes on. */
const OTHER_OPTIONS = [
  ...["--result-dir", "--option", "--batchsize", "--export", "--output"], // OMNeT++ and opp_runall
  ...["--deep", "--all", "--filter", "--tags", "--end-of-options"], // opp_makemake, opp_featuretool, git
  ...["--only", "--minutes", "--differential", "--background", "--no-campaign", "--max-cost", "--order"], // for developers
];

it("the pages name only options that exist", () => {
  const known = new Set([...(read(OPTIONS).match(/--[a-z][a-z0-9-]*/g) ?? []), ...OTHER_OPTIONS]);
  const code = DOCS.flatMap((page) => [...read(page).matchAll(/`([^`\n]+)`/g)]).map(([, text]) => text!);
  const named = code.flatMap((text) => text.match(/(?<![\w-])--[a-z][a-z0-9-]*/g) ?? []);
  expect(named).toContain("--dry-run");
  expect(named.filter((option) => !known.has(option))).toEqual([]);
});

/** Whether a message of the tools can be what is quoted, with `…` for parts of it. */
function isMessage(quoted: string, message: string): boolean {
  const parts = quoted.split("…").map((part) => part.trim());
  let from = 0;
  const isQuoted = parts.every((part) => {
    const at = message.indexOf(part, from);
    from = at + part.length;
    return at >= 0;
  });
  if (isQuoted) return true;
  const texts = message.split("<expr>");
  if (texts.join("").replaceAll(/[^a-z]/gi, "").length < 8) return false; // it would match anything
  const pattern = texts.map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join(".*");
  return new RegExp(`^${pattern}$`, "s").test(quoted);
}

it("the messages that the page on troubleshooting quotes exist", () => {
  const messages = [...collectMessages().values()].flat().map((text) => JSON.parse(text) as string);
  const [ours] = read("docs/troubleshooting.md").split("## Messages of OMNeT++");
  const quoted = [...ours!.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, text]) => text!);
  expect(quoted.length).toBeGreaterThan(20);
  expect(quoted.filter((text) => !messages.some((message) => isMessage(text, message)))).toEqual([]);
});

it("the page on architecture names only modules and folders that exist", () => {
  const names = [...read("docs/architecture.md").matchAll(/`((?:[a-z]+\/)+[a-z-]*)`/g)].map(
    ([, name]) => name!,
  );
  const folders = readdirSync(path.join(ROOT, "src"));
  const modules = names.filter((name) => folders.includes(name.split("/")[0]!));
  expect(modules.length).toBeGreaterThan(100);
  const exists = (name: string): boolean =>
    existsSync(path.join(ROOT, "src", name)) || existsSync(path.join(ROOT, "src", `${name}.ts`));
  expect(modules.filter((name) => !exists(name))).toEqual([]);
});
