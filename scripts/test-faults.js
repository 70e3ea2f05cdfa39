import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { provideMongoServer } from "./mongo-server.js";
import { ROOT, runScript, setUp } from "./setup.js";

// npm run test:faults [-- --random N] [--seed N] [TEXT…]: injects each fault of test/faults into a campaign,
// with both stores, then N random faults (500) into a campaign of 1,000 runs. TEXT selects faults by their
// names. Prints a table of faults and outcomes.

const RANDOM_RUNS = "1000";

await runScript(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { random: { type: "string", default: "500" }, seed: { type: "string" } },
  });
  await setUp({ system: ["redis-server", "git", "make", "cc"] });
  const reason = await provideMongoServer(console.log);
  if (reason !== undefined) console.error(reason);
  const directory = mkdtempSync(path.join(tmpdir(), "swarm-faults-"));
  const table = path.join(directory, "table");
  writeFileSync(table, "");
  try {
    const vitest = path.join(ROOT, "node_modules", "vitest", "vitest.mjs");
    const chosen = positionals.length > 0 ? ["-t", positionals.join("|")] : [];
    const tests = spawn(process.execPath, [vitest, "run", "test/faults", ...chosen], {
      cwd: ROOT,
      env: {
        ...process.env,
        FAULTS_TABLE: table,
        RANDOM_FAULTS: values.random,
        RANDOM_RUNS,
        ...(values.seed !== undefined && { SEED: values.seed }),
      },
      stdio: "inherit",
    });
    process.on("SIGINT", () => undefined); // vitest receives Ctrl-C, too, and ends by itself
    /** @type {number | null} */
    const code = await new Promise((resolve, reject) => {
      tests.once("error", reject).once("close", resolve);
    });
    console.log(formatTable(readFileSync(table, "utf8")));
    return code ?? 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

/** @param {string} lines JSON arrays, one per line: store, fault, outcome @returns {string} */
function formatTable(lines) {
  /** @type {(text: string) => [string, string, string]} */
  const parse = JSON.parse;
  const rows = lines.split("\n").flatMap((line) => (line === "" ? [] : [parse(line)]));
  /** @type {Map<string, Map<string, string>>} */
  const faults = new Map();
  for (const [store, fault, outcome] of rows) {
    /** @type {Map<string, string>} */
    const outcomes = faults.get(fault) ?? new Map();
    faults.set(fault, outcomes.set(store, outcome));
  }
  const width = Math.max(5, ...[...faults.keys()].map((fault) => fault.length));
  return [...faults]
    .flatMap(([fault, outcomes]) =>
      [...outcomes].map(([store, outcome]) => `${fault.padEnd(width)}  ${store.padEnd(9)}  ${outcome}`),
    )
    .join("\n");
}
