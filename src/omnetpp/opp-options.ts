import { UserError } from "../errors.ts";

/**
 * The short options with a value, and those without.
 * @see OMNeT++ 6.2, src/envir/envirbase.h, ARGSPEC; 5.7 to 7.0 differ only in `-S` and `-p`.
 */
const VALUED = "fulcrnxipqeh";
const FLAGS = "avwsSm";
/** Options that print an answer instead of executing runs. */
const QUESTIONS = "qehav";

/** One argument of a simulation program, with its value. */
export type SimulationArgument =
  /** `-c Config` and `-cConfig` are the same. */
  | { kind: "option"; name: string; value: string }
  /** Always `--key=value`, whichever of the two forms was typed. */
  | { kind: "long"; text: string }
  | { kind: "flag"; text: string }
  /** The simulator takes every positional argument for an ini file, whatever its name. */
  | { kind: "ini"; path: string }
  /** An option that no version knows; the simulator reports it better than we could. */
  | { kind: "other"; text: string };

/** The arguments of a simulation program, in the order in which they were typed. */
export type SimulationArguments = readonly SimulationArgument[];

/**
 * Returns how many arguments an option takes, including its value: 1 or 2. A long option without `=` takes
 * the next argument, as in OMNeT++, but never another option: with `--vector-recording --dry-run`, the
 * simulator's own rule would make `--dry-run` a value.
 * @see OMNeT++ 6.2, src/envir/args.cc, ArgList::parse.
 */
export function optionSpan(argv: readonly string[], index: number): 1 | 2 {
  const [option, next] = [argv[index]!, argv[index + 1]];
  if (next === undefined) return 1;
  if (option.startsWith("--")) return option === "--" || option.includes("=") || isOption(next) ? 1 : 2;
  return option.length === 2 && isValued(option) ? 2 : 1;
}

/** Returns whether an argument begins with a dash and is not a negative number. */
function isOption(argument: string): boolean {
  return /^-(?![\d.])./.test(argument);
}

function isValued(option: string): boolean {
  return option.startsWith("-") && VALUED.includes(option.charAt(1)) && option.length > 1;
}

/**
 * Parses the arguments of a simulation program as the program itself does.
 * @throws {UserError} for what is impossible on a swarm: a user interface other than Cmdenv, queries (`-q`,
 *   `-e`, `-h`, `-a`, `-v`), an option without its value.
 */
export function parseSimulationArguments(args: readonly string[]): SimulationArguments {
  const parsed: SimulationArgument[] = [];
  for (let index = 0; index < args.length;) {
    if (args[index] === "--") {
      parsed.push(...args.slice(index + 1).map((path) => ({ kind: "ini", path }) as const));
      break;
    }
    const span = optionSpan(args, index);
    parsed.push(parseArgument(args[index]!, span === 2 ? args[index + 1] : undefined));
    index += span;
  }
  return parsed;
}

function parseArgument(text: string, next: string | undefined): SimulationArgument {
  if (text.startsWith("--"))
    return { kind: "long", text: text.includes("=") ? text : `${text}=${next ?? ""}` };
  if (!text.startsWith("-")) return { kind: "ini", path: text };
  const name = text.slice(0, 2);
  if (isValued(text) || text === name) refuseQuestion(name);
  if (isValued(text)) return option(name, text === name ? next : text.slice(2));
  return text === name && FLAGS.includes(name.charAt(1)) ? { kind: "flag", text } : { kind: "other", text };
}

/** What users type after the options that most of them know. */
const examples: Readonly<Record<string, string>> = {
  "-c": "name a config of the ini file, as in: -c Load; to list the configs, run: opp_run -a",
  "-r": "give run numbers or a filter, as in: -r 0..3, or -r '$numHosts==10'",
  "-f": "name an ini file, as in: -f omnetpp.ini",
};

function option(name: string, value: string | undefined): SimulationArgument {
  if (value === undefined) throw new UserError(`the option ${name} needs a value`, { hint: examples[name] });
  if (name === "-u" && value !== "Cmdenv") {
    throw new UserError(`-u ${value}: runs on a swarm use Cmdenv only`, {
      hint: "remove the option -u",
    });
  }
  return { kind: "option", name, value };
}

function refuseQuestion(name: string): void {
  if (name === "-" || !QUESTIONS.includes(name.charAt(1))) return;
  throw new UserError(`${name} only queries the simulator and starts no run`, {
    hint: `call the simulator directly: opp_run ${name} …`,
  });
}

/** Returns a configuration option as it is given on the command line: `--result-dir=/data`. */
export function longOption(option: string, value: string): string {
  return `--${option}=${value}`;
}

/** Returns the arguments as passed to a program. */
export function toArgv(args: SimulationArguments): string[] {
  return args.flatMap((arg) => {
    if (arg.kind === "option") return [arg.name, arg.value];
    return arg.kind === "ini" ? [arg.path] : [arg.text];
  });
}

/**
 * Returns the values of a short option, in order; for `-f`, all ini files in the order in which they are
 * read, including those named without the option.
 */
export function values(args: SimulationArguments, name: string): string[] {
  const named = args.flatMap((arg) => (arg.kind === "option" && arg.name === name ? [arg.value] : []));
  const positional = args.flatMap((arg) => (name === "-f" && arg.kind === "ini" ? [arg.path] : []));
  return [...named, ...positional];
}

/** Returns the config to run; the last of several `-c` counts. */
export function config(args: SimulationArguments): string {
  return values(args, "-c").at(-1) ?? "General";
}

/** Returns whether a configuration option is given on the command line: `--result-dir=…`. */
export function isTyped(args: SimulationArguments, option: string): boolean {
  return args.some((arg) => arg.kind === "long" && arg.text.startsWith(`--${option}=`));
}

/** Returns the run filter; the last of several `-r` counts. Undefined or empty: all runs. */
export function runFilter(args: SimulationArguments): string | undefined {
  return values(args, "-r").at(-1);
}

/** Returns the arguments without some short options, each named with its dash. */
export function without(args: SimulationArguments, ...names: readonly string[]): SimulationArguments {
  return args.filter((arg) => {
    if (arg.kind === "option") return !names.includes(arg.name);
    return arg.kind !== "flag" || !names.includes(arg.text);
  });
}
