import { readdirSync } from "node:fs";

/** @import { RolldownOptions } from "rolldown" */

/** What is loaded by name: the tools, and the types whose schemas are published. */
const entries = [
  ...["main", "runall/runall-swarm", "tool/swarm-tool", "worker/swarm-worker"].map((name) => `cli/${name}`),
  "cli/programs", // the definitions of all commands, for the man pages
  "system/installation", // finds the installation by its own place, which must stay two folders below the root
  ...readdirSync("src/model").map((file) => `model/${file.replace(/\.ts$/, "")}`),
];

/**
 * The tools with what they import in a few files, because loading a thousand small ones (BullMQ alone has
 * 400) takes three times as long as loading the same code from a few. They are CommonJS, which Node.js 20 loads faster
 * than ECMAScript modules: a command starts in about a tenth less time.
 * @satisfies {RolldownOptions}
 */
export const tools = {
  input: Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])),
  platform: "node",
  // its modules for bundlers: of those for Node.js all would be loaded, also what serves other databases
  resolve: { alias: { bullmq: "bullmq/dist/esm/index.js" } },
  tsconfig: "tsconfig.build.json",
  treeshake: {
    moduleSideEffects: [
      { test: /node_modules\/bullmq\//, sideEffects: false }, // it does not say so itself
      { test: /./, sideEffects: true },
    ],
  },
  checks: { eval: false }, // bull-board has one, which is not executed
  transform: { target: "node20.19" },
  output: {
    dir: "dist",
    format: "cjs",
    strict: true, // as in the modules
    cleanDir: true,
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
  },
};

/**
 * The dashboard's page, for the browser.
 * @satisfies {RolldownOptions}
 */
export const page = {
  input: { main: "src/dashboard/page/main.tsx" },
  platform: "browser",
  tsconfig: "src/dashboard/page/tsconfig.json",
  transform: { target: "es2022" },
  output: { dir: "dist/page", entryFileNames: "[name].js", minify: true },
};

export default [tools, page];
