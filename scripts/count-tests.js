import { existsSync, readFileSync } from "node:fs";

// node count-tests.js REPORT EXIT-CODE: prints the numbers of passed, failed and skipped tests in vitest's
// JSON report.
const [file = "", exitCode] = process.argv.slice(2);
/**
 * @typedef {object} Report
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {{ status: string, assertionResults: { status: string }[] }[]} testResults
 */
/** @type {unknown} */
const json = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
const report = /** @type {Report | undefined} */ (json);
const passed = report?.numPassedTests ?? 0;
const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
// A file that cannot be loaded, or whose hook fails, may have no failed test.
const brokenFiles = (report?.testResults ?? []).filter(
  ({ status, assertionResults }) =>
    status === "failed" && !assertionResults.some((test) => test.status === "failed"),
);
const failed = (report?.numFailedTests ?? 0) + brokenFiles.length;
// An unhandled error or a failed global set-up changes only the exit code.
console.log(passed, failed === 0 && exitCode !== "0" ? 1 : failed, skipped);
