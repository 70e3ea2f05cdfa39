import { parseArgs } from "node:util";
import { smokeTest, SWARM } from "./smoke-course.js";
import { findProgram, runScript, setUp, SetupError } from "./setup.js";

// npm run aws:smoke -- --yes [OPTIONS] [-- OPTIONS OF INIT]: the life of a small swarm in your AWS account, from init to
// the proof that nothing is left, and a report to paste into an issue. Without --yes, it only says what it would do.

const USAGE = `This tests the tools with your AWS account, and costs money: about $0.25 an hour with the default types of machines,
for about an hour, or two if the image of the workers must be built.

  1. checks this machine and the account, and that there is no swarm ${SWARM}
  2. shows the price; ends here if the test could cost more than --max-cost, even if this machine died
  3. creates a swarm ${SWARM} with one worker: swarm-tool init ${SWARM} --aws
  4. executes a small campaign and collects its results, and queues another one
  5. waits until the swarm halts itself, 10 minutes after the last run
  6. resumes it, and collects the results of the second campaign
  7. removes it, also after an error, Ctrl-C, or --max-hours
  8. looks in all regions for what is left, and writes a report

To do so: npm run aws:smoke -- --yes [options] [-- options of swarm-tool init]

  --max-cost DOLLARS  refuse to start if the test could cost more (default: 2)
  --max-hours N       remove the swarm after N hours in any case (default: 2)
  --region NAME       AWS region (default: as configured for AWS)
  --profile NAME      AWS profile (default: as configured for AWS)
  --no-campaign       execute nothing: for machines without OMNeT++
  --report FILE       write the report there (default: aws-smoke-report.md)
  --poll-seconds N    how often the swarm is asked whether it has halted (default: 60)`;

const HOUR_MS = 3600_000;
const LONGEST_HOURS = 24;

await runScript(async () => {
  const { options, initOptions } = readOptions(process.argv.slice(2));
  if (!options.yes) {
    console.log(USAGE);
    return 2;
  }
  const maxHours = numberIn("--max-hours", options["max-hours"], 1, LONGEST_HOURS);
  if (!Number.isInteger(maxHours)) throw new SetupError("--max-hours must be a whole number");
  const maxCost = numberIn("--max-cost", options["max-cost"], 0, 1000);
  const pollMs = numberIn("--poll-seconds", options["poll-seconds"], 0, 600) * 1000;
  requireSimulator(!options["no-campaign"]);
  await setUp();
  const { profile, region, report } = options;
  const hasCampaign = !options["no-campaign"];
  return await smokeTest(
    { profile, region, report, hasCampaign, maxCost, maxHours, pollMs, initOptions },
    stopSignal(maxHours),
  );
});

/** Returns the options of this script, and those for init. @param {string[]} args @throws {SetupError} */
function readOptions(args) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        yes: { type: "boolean", default: false },
        profile: { type: "string" },
        region: { type: "string" },
        "max-cost": { type: "string", default: "2" },
        "max-hours": { type: "string", default: "2" },
        "no-campaign": { type: "boolean", default: false },
        report: { type: "string", default: "aws-smoke-report.md" },
        "poll-seconds": { type: "string", default: "60" },
      },
    });
    return { options: values, initOptions: positionals };
  } catch (error) {
    if (error instanceof TypeError) throw new SetupError(`${error.message}\n\n${USAGE}`);
    throw error;
  }
}

/** @param {string} option @param {string} text @param {number} least @param {number} most @throws {SetupError} */
function numberIn(option, text, least, most) {
  const number = text.trim() === "" ? NaN : Number(text);
  if (number >= least && number <= most) return number;
  throw new SetupError(`${option} must be a number from ${least} to ${most}, not ${JSON.stringify(text)}`);
}

/** @param {boolean} hasCampaign @throws {SetupError} */
function requireSimulator(hasCampaign) {
  if (!hasCampaign || ["opp_run", "opp_run_release"].some((name) => findProgram(name) !== undefined)) return;
  throw new SetupError(
    "opp_run is not on PATH, which lists the runs of the campaign: source OMNeT++'s setenv script first, or test without a campaign: --no-campaign",
  );
}

/**
 * Returns a signal that ends the test: Ctrl-C, the end of the terminal, or the time limit. The removal that follows is
 * not interrupted by further ones.
 * @param {number} maxHours
 */
function stopSignal(maxHours) {
  const stop = new AbortController();
  /** @param {string} reason */
  const end = (reason) => {
    console.error(
      stop.signal.aborted
        ? "the swarm is being removed: please wait, because machines would keep costing money"
        : `${reason}: ending the step in progress, then removing the swarm`,
    );
    stop.abort(new Error(reason));
  };
  for (const name of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]))
    process.on(name, () => end(`interrupted by ${name}`));
  setTimeout(() => end(`--max-hours ${maxHours} are over`), maxHours * HOUR_MS).unref();
  // After the terminal was closed, nothing can be printed, but the swarm must be removed. The report is a file, too.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  return stop.signal;
}
