import { UserError } from "../errors.ts";

/**
 * The short options that take a value, and those that take none.
 * @see OMNeT++ 6.2, src/envir/envirbase.h, ARGSPEC; 5.7 to 7.0 differ in `-S` and `-p` alone.
 */
const VALUED = "fulcrnxipqeh";
const FLAGS = "avwsSm";
/** They print an answer instead of running anything. */
const QUESTIONS = "qehav";

/** One argument of a simulation program, with its value. */
export type SimulationArgument =
  /** `-c Config` and `-cConfig` are the same. */
  | { kind: "option"; name: string; value: string }
  /** Always as `--key=value`, whichever of its two forms was typed. */
  | { kind: "long"; text: string }
  | { kind: "flag"; text: string }
  /** Every positional is an ini file to the simulator, whatever its name. */
  | { kind: "ini"; path: string }
  /** What no version knows; the simulator says so better than we could. */
  | { kind: "other"; text: string };

/** In the order in which they were typed. */
export type SimulationArguments = readonly SimulationArgument[];

/**
 * How many arguments the one at an index takes together with its value: 1 or 2.
 * A long option without `=` takes the next argument, as in OMNeT++, but here never another option: with
 * `--vector-recording --dry-run` the simulator's own rule would make a value of `--dry-run`.
 * @see OMNeT++ 6.2, src/envir/args.cc, ArgList::parse.
 */
export function optionSpan(argv: readonly string[], at: number): 1 | 2 {
  const [option, next] = [argv[at]!, argv[at + 1]];
  if (next === undefined) return 1;
  if (option.startsWith("--")) return option === "--" || option.includes("=") || isOption(next) ? 1 : 2;
  return option.length === 2 && isValued(option) ? 2 : 1;
}

/** Begins with a dash, and is no negative number. */
function isOption(argument: string): boolean {
  return /^-(?![\d.])./.test(argument);
}

function isValued(option: string): boolean {
  return option.startsWith("-") && VALUED.includes(option.charAt(1)) && option.length > 1;
}

/**
 * Parses the arguments of a simulation program as the program itself does.
 * @throws {UserError} for what cannot be run on a swarm: another user interface than Cmdenv, questions
 * (`-q`, `-e`, `-h`, `-a`, `-v`), an option without its value.
 */
export function parseSimulationArguments(args: readonly string[]): SimulationArguments {
  const parsed: SimulationArgument[] = [];
  for (let at = 0; at < args.length;) {
    if (args[at] === "--") {
      parsed.push(...args.slice(at + 1).map((path) => ({ kind: "ini", path }) as const));
      break;
    }
    const span = optionSpan(args, at);
    parsed.push(parseArgument(args[at]!, span === 2 ? args[at + 1] : undefined));
    at += span;
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

function option(name: string, value: string | undefined): SimulationArgument {
  if (value === undefined) throw new UserError(`the option ${name} needs a value`);
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

/** A configuration option on the command line: `--result-dir=/data`. */
export function longOption(option: string, value: string): string {
  return `--${option}=${value}`;
}

/** The arguments as a program is given them. */
export function toArgv(args: SimulationArguments): string[] {
  return args.flatMap((arg) => {
    if (arg.kind === "option") return [arg.name, arg.value];
    return arg.kind === "ini" ? [arg.path] : [arg.text];
  });
}

/** The values of a short option, in order; of `-f` all ini files, named with or without it, in the order in which they are read. */
export function values(args: SimulationArguments, name: string): string[] {
  const named = args.flatMap((arg) => (arg.kind === "option" && arg.name === name ? [arg.value] : []));
  const positional = args.flatMap((arg) => (name === "-f" && arg.kind === "ini" ? [arg.path] : []));
  return [...named, ...positional];
}

/** The config to run: of several `-c` the last counts. */
export function config(args: SimulationArguments): string {
  return values(args, "-c").at(-1) ?? "General";
}

/** Whether a configuration option is given on the command line: `--result-dir=…`. */
export function isTyped(args: SimulationArguments, option: string): boolean {
  return args.some((arg) => arg.kind === "long" && arg.text.startsWith(`--${option}=`));
}

/** Which of its runs: of several `-r` the last counts; undefined, or an empty text, for all of them. */
export function runFilter(args: SimulationArguments): string | undefined {
  return values(args, "-r").at(-1);
}

/** Without some short options, each named with its dash. */
export function without(args: SimulationArguments, ...names: readonly string[]): SimulationArguments {
  return args.filter((arg) => {
    if (arg.kind === "option") return !names.includes(arg.name);
    return arg.kind !== "flag" || !names.includes(arg.text);
  });
}
