import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";
import { page, tools } from "../rolldown.config.js";
import { LAST_BUILT, ROOT } from "./setup.js";
import { manPages } from "./man-pages.js";
import { describeLicenses } from "./third-party.js";

/** @import { OutputOptions, RolldownOptions } from "rolldown" */
/** @import { ProgramDescription } from "../src/cli/programs.ts" */

// npm run build: bundles the tools and the dashboard's page into dist/, which then
// needs no package of npm. Prints what was built.

const DIST = path.join(ROOT, "dist");
const BULL_BOARD = path.dirname(createRequire(import.meta.url).resolve("@bull-board/ui/package.json"));

process.chdir(ROOT);
const start = performance.now();
const modules = [...(await bundle(tools)), ...(await bundle(page))];
writeFileSync(path.join(DIST, "package.json"), JSON.stringify({ type: "commonjs" }));
for (const file of ["index.html", "style.css", "icon.svg"])
  cpSync(path.join("src", "dashboard", "page", file), path.join(DIST, "page", file));
// bull-board reads its page from a folder of this form.
cpSync(path.join(BULL_BOARD, "dist"), path.join(DIST, "bull-board", "dist"), { recursive: true });
await writeManPages();
writeFileSync(path.join(ROOT, LAST_BUILT), describeLicenses([...modules, BULL_BOARD]));
const files = filesIn(DIST);
const megabytes = files.reduce((sum, file) => sum + statSync(file).size, 0) / 1e6;
const seconds = (performance.now() - start) / 1000;
console.log(
  `built runall-swarm, swarm-tool and swarm-worker from ${modules.length} modules in ${seconds.toFixed(1)} s`,
);
console.log(`${path.relative(process.cwd(), DIST)}/: ${files.length} files, ${megabytes.toFixed(1)} MB`);

/**
 * Bundles what rolldown.config.js describes. Returns the files that the bundle contains.
 * @param {RolldownOptions & { output: OutputOptions }} config
 */
async function bundle({ output, ...input }) {
  const build = await rolldown({ ...input, logLevel: "warn" });
  try {
    const { output: chunks } = await build.write(output);
    const names = chunks.flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : []));
    return [...new Set(names)].filter((name) => path.isAbsolute(name));
  } finally {
    await build.close();
  }
}

/** Writes the man pages, from the command-line definitions in the bundle. */
async function writeManPages() {
  const definitions = pathToFileURL(path.join(DIST, "cli", "programs.js")).href;
  /** @type {{ describePrograms: () => Promise<ProgramDescription[]> }} */
  const { describePrograms } = await import(definitions); // eslint-disable-line @typescript-eslint/no-unsafe-assignment -- typed above
  /** @type {unknown} */
  const manifest = JSON.parse(readFileSync("package.json", "utf8"));
  const folder = path.join(DIST, "man");
  mkdirSync(folder);
  const about = /** @type {{ version: string, homepage: string }} */ (manifest);
  for (const [name, page] of manPages(await describePrograms(), about))
    writeFileSync(path.join(folder, name), page);
}

/** @param {string} folder */
function filesIn(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}
