/**
 * A stand-in for opp_run 6.2.0, for machines without OMNeT++. It expands ini files like the real one, and simulates one model:
 * the queue of examples/mm1.
 */
import { existsSync } from "node:fs";
import process from "node:process";
import { UsageError, parseArguments } from "./arguments.js";
import { Configuration } from "./config.js";
import { Console } from "./console.js";
import { OppError } from "./errors.js";
import { readIniFiles } from "./ini.js";
import { loadLibrary } from "./ned.js";
import { OPTIONS } from "./options.js";

const BANNER = `OMNeT++ Discrete Event Simulation  (C) 1992-2025 Andras Varga, OpenSim Ltd.
Version: 6.2.0, build: internal, edition: Academic Public License -- NOT FOR COMMERCIAL USE
See the license for distribution terms and warranty disclaimer

`;
const VERSION = `Build: omnetpp-6.2.0 internal
Compiler: GCC 12.2.0
Options: 64-bit ARCH_X86_64 RELEASE
`;

/** @param {string[]} argv @returns {Promise<number>} the exit code */
async function main(argv) {
  const console = new Console();
  /** @type {import("./arguments.js").Arguments} */
  let parsed;
  try {
    parsed = parseArguments(argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.out(`\n<!> Error: ${error.message}\n`);
    return 1;
  }
  const { options } = parsed;
  console.silent = options.has("s");
  console.mergeStderr = options.has("m");
  console.verbose(BANNER);
  let exitCode = 1;
  try {
    exitCode = await start(parsed, console);
  } catch (error) {
    if (!(error instanceof OppError)) throw error;
    // errors before the first run begin with a newline
    if (!console.mergeStderr) process.stderr.write("\n");
    console.error(error.message);
  }
  console.verbose("\nEnd.\n");
  return exitCode;
}

/** @param {import("./arguments.js").Arguments} parsed @param {Console} console */
async function start({ options, settings, iniFiles }, console) {
  /** @param {string} letter */
  const last = (letter) => options.get(letter)?.at(-1);
  const wantsVersionOnly = options.has("v") || options.has("h");
  const files = iniFiles.length > 0 ? iniFiles : existsSync("omnetpp.ini") ? ["omnetpp.ini"] : [];
  if (files.length === 0 && !wantsVersionOnly && !settings.some(({ key }) => key === "network"))
    throw new OppError(
      "Missing configuration: No ini files specified and no 'omnetpp.ini' in the current working directory (specify at least --network=<name> to suppress this message)",
    );
  const sections = readIniFiles(wantsVersionOnly ? [] : files);
  const libraries = options.get("l") ?? [];
  for (const library of libraries) loadLibrary(library);
  const configuration = new Configuration(sections, settings, files[0] ?? "");
  console.verbose("Setting up Cmdenv...\n");
  if (wantsVersionOnly) {
    console.verbose("\n");
    console.out(options.has("h") ? help(last("h") ?? "") : VERSION);
    return 0;
  }
  // each is loaded only when it is needed: a query should be fast
  if (options.has("a") || options.has("q") || options.has("e")) {
    const { query } = await import("./query.js");
    return query(configuration, console, {
      all: options.has("a"),
      question: last("q"),
      option: last("e"),
      configName: last("c") ?? "General",
      runFilter: last("r") ?? "",
    });
  }
  const { runBatch } = await import("./batch.js");
  return runBatch(configuration, console, {
    configName: last("c") ?? configuration.raw("General", "cmdenv-config-name") ?? "General",
    runFilter: last("r") ?? "",
    nedFolders: nedFolders(options.get("n"), configuration),
    nedExclusions: (options.get("x") ?? [])
      .flatMap((each) => each.split(/[:;]/))
      .filter((each) => each !== ""),
    hasCode: libraries.length > 0 || process.env["STAND_IN_EXECUTABLE"] !== undefined,
  });
}

/** @param {string} topic */
function help(topic) {
  if (topic !== "config")
    return "This is the stand-in for opp_run: see test/helpers/omnetpp-stand-in/README.md\n";
  return Object.entries(OPTIONS)
    .map(([name, value]) => `  ${name}${value === "" ? "" : `, default:${value}`}\n`)
    .join("");
}

/** @param {string[] | undefined} given @param {Configuration} configuration */
function nedFolders(given, configuration) {
  const fromArguments = given ?? [process.env["OMNETPP_NED_PATH"] ?? ""];
  const all = [...fromArguments, configuration.raw("General", "ned-path") ?? ""];
  const folders = all.flatMap((each) => each.split(/[:;]/)).filter((each) => each !== "");
  return folders.length > 0 ? folders : ["."];
}

process.exitCode = await main(process.argv.slice(2));
