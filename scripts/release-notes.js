import { readFileSync } from "node:fs";
import path from "node:path";
import { notesOf } from "./changelog.js";
import { ROOT, runScript, SetupError } from "./setup.js";

// node scripts/release-notes.js VERSION: prints what CHANGELOG.md says about a version.
await runScript(() => {
  const [version] = process.argv.slice(2);
  if (version === undefined) throw new SetupError("usage: node scripts/release-notes.js VERSION");
  const notes = notesOf(version, readFileSync(path.join(ROOT, "CHANGELOG.md"), "utf8"));
  if (notes === undefined)
    throw new SetupError(
      `CHANGELOG.md has no notes for ${version}: write them below the heading ## ${version}`,
    );
  console.log(notes);
  return Promise.resolve(0);
});
