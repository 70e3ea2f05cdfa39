import type { Run } from "../model/run.ts";

/** The beginning of a run's line, up to its variables. */
const RUN = /^Run (\d+): (.*)$/;
/**
 * A variable and its value; quoted parts of a value may contain anything. There is no nested repetition,
 * which could backtrack without end.
 */
const VARIABLE = /\$([^\s=,]+)=((?:[^",]|"(?:[^"\\]|\\.)*"|,(?! \$))*)(?:, |$)/y;

/**
 * Parses the output of `-q runs`: a line such as `Run 3: $numHosts=10, $label=a b, $repetition=1` for each
 * run. Values stay as the simulator writes them, strings with their quotes. Other lines are ignored.
 */
export function parseRuns(stdout: string, config: string): Run[] {
  const runs: Run[] = [];
  for (const line of stdout.split("\n")) {
    const [, runNumber, variables] = RUN.exec(line.trimEnd()) ?? [];
    if (runNumber === undefined || variables === undefined) continue;
    const { repetition = "0", ...iterationVariables } = parseVariables(variables);
    runs.push({ config, runNumber: Number(runNumber), iterationVariables, repetition: Number(repetition) });
  }
  return runs;
}

function parseVariables(text: string): Record<string, string> {
  const variables: [string, string][] = []; // not an object: a variable may be called __proto__
  const first = text.indexOf("$"); // 7.0 may write `, $repetition=0` if there is no other variable
  if (first < 0) return {};
  VARIABLE.lastIndex = first;
  for (let match = VARIABLE.exec(text); match !== null; match = VARIABLE.exec(text)) {
    variables.push([match[1]!, match[2]!]);
    if (VARIABLE.lastIndex === text.length) return Object.fromEntries(variables);
  }
  return plainVariables(text); // there is an unmatched quote
}

function plainVariables(text: string): Record<string, string> {
  const parts = text.slice(text.indexOf("$") + 1).split(", $");
  return Object.fromEntries(
    parts.map((part) => [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)]),
  );
}

/** Parses the output of `-h config`: a line such as `  **.bin-recording=<bool>, default:true` for each option. */
export function parseOptionNames(stdout: string): string[] {
  return [...stdout.matchAll(/^ +(?:\*\*\.)?([\w-]+)=/gm)].map((match) => match[1]!);
}

/** Parses the output of `-q runconfig` for several runs: the configuration of each, by run number. */
export function parseRunConfigs(stdout: string): Map<number, Map<string, string>> {
  const parts = stdout.split(/^(?=Run \d+: )/m);
  return new Map(
    parts.flatMap((part) => {
      const [, runNumber] = RUN.exec(part.slice(0, part.indexOf("\n"))) ?? [];
      return runNumber === undefined ? [] : [[Number(runNumber), parseRunConfig(part)] as const];
    }),
  );
}

/**
 * Parses the output of `-q runconfig` for one run: `\tkey = value` lines, the strongest first (options of the
 * command line before those of the ini file). Iteration variables are substituted, quotes are kept.
 */
export function parseRunConfig(stdout: string): Map<string, string> {
  const configuration = new Map<string, string>();
  for (const line of stdout.split("\n")) {
    const separator = line.indexOf(" = ");
    if (!line.startsWith("\t") || separator < 0) continue;
    const key = line.slice(1, separator);
    if (!configuration.has(key)) configuration.set(key, line.slice(separator + 3).trim());
  }
  return configuration;
}

/** Matches the values of `${datetime}` and `${runid}`. */
const MOMENT = /\d{8}-\d\d:?\d\d:?\d\d(?:-\d+)?/g;

/**
 * Returns a value without the parts that no two processes have in common.
 * @see OMNeT++ Simulation Manual, "Configuring Simulations", "Predefined Variables": datetime, runid.
 */
export function withoutMoments(value: string): string {
  return value.replaceAll(MOMENT, "");
}

/**
 * Returns the configs in the output of `-a`, which has a line such as `Config PureAloha1: 9` for each, with
 * its number of runs.
 */
export function parseConfigNames(stdout: string): string[] {
  return [...stdout.matchAll(/^Config (.+): \d+$/gm)].map((match) => match[1]!);
}

/** Returns the library that the simulator cannot load, as its message names it: `cannot load library 'libqueue.so'`. */
export function unloadableLibrary(complaint: string): string | undefined {
  return /Cannot load library '([^']+)'/.exec(complaint)?.[1];
}
