import { writeFileSync } from "node:fs";
import path from "node:path";
import { rolldown } from "rolldown";
import { optionsPage } from "./options-page.js";
import { ROOT } from "./setup.js";

/** @import { ProgramDescription } from "../src/cli/programs.ts" */

// npm run docs: writes docs/options.md. A test checks that the page is up to date.
const bundle = await rolldown({
  input: path.join(ROOT, "src/cli/programs.ts"),
  platform: "node",
  external: /^[a-z]|^@(?!oxc-project)/, // packages, but not what the bundler adds
  tsconfig: path.join(ROOT, "tsconfig.build.json"),
  transform: { target: "node20.19" },
});
const { output } = await bundle.write({ dir: path.join(ROOT, ".cache", "programs"), cleanDir: true });
const file = path.join(ROOT, ".cache", "programs", output[0].fileName);
/** @type {{ describePrograms: () => Promise<ProgramDescription[]> }} */
const { describePrograms } = await import(file); // eslint-disable-line @typescript-eslint/no-unsafe-assignment -- typed above
const page = path.join(ROOT, "docs", "options.md");
writeFileSync(page, await optionsPage(await describePrograms(), page));
