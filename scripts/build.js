import { cpSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { rolldown } from "rolldown";
import config from "../rolldown.config.js";
import { LAST_BUILT, ROOT } from "./setup.js";
import { describeLicenses } from "./third-party.js";

// npm run build: bundles the tools into dist/, which then needs no package of npm. Prints what was built.

const DIST = path.join(ROOT, "dist");
const BULL_BOARD = path.dirname(createRequire(import.meta.url).resolve("@bull-board/ui/package.json"));

process.chdir(ROOT);
const start = performance.now();
const modules = await bundle();
// bull-board reads its page from a folder of this form.
cpSync(path.join(BULL_BOARD, "dist"), path.join(DIST, "bull-board", "dist"), { recursive: true });
writeFileSync(path.join(ROOT, LAST_BUILT), describeLicenses([...modules, BULL_BOARD]));
const files = filesIn(DIST);
const megabytes = files.reduce((sum, file) => sum + statSync(file).size, 0) / 1e6;
const seconds = (performance.now() - start) / 1000;
console.log(
  `built runall-swarm, swarm-tool and swarm-worker from ${modules.length} modules in ${seconds.toFixed(1)} s`,
);
console.log(`${path.relative(process.cwd(), DIST)}/: ${files.length} files, ${megabytes.toFixed(1)} MB`);

/** Bundles the tools as rolldown.config.js says. Returns the files that the bundle contains. */
async function bundle() {
  const { output, ...input } = config;
  const build = await rolldown({ ...input, logLevel: "warn" });
  try {
    const { output: chunks } = await build.write(output);
    const names = chunks.flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : []));
    return [...new Set(names)].filter((name) => path.isAbsolute(name));
  } finally {
    await build.close();
  }
}

/** @param {string} folder */
function filesIn(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}
