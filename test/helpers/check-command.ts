import type { Command, Option } from "commander";
import type { ProgramDescription } from "../../src/cli/programs.ts";

/** What OMNeT++ takes with a value, and what without. @see OMNeT++ Simulation Manual, "Running Simulations". */
const SIMULATION_VALUED = /^-[cfrnluxiqe]$/;
const SIMULATION_ATTACHED = /^(?:-[cfrnluxiqe].|--[^=]+=)/;
const SIMULATION_FLAG = /^-[ams]$/;
const SHELLS = ["bash", "zsh", "fish"];

/** Returns why a program would refuse these arguments; undefined if it accepts them. Upper-case words can be anything. */
export function refusalOf(
  { program, commands }: ProgramDescription,
  [first = "", ...others]: readonly string[],
  complete: boolean,
): string | undefined {
  if (first === "completion" && !SHELLS.includes(others[0]!) && !isPlaceholder(others[0]!))
    return `no such shell: ${others[0]!}`;
  const command = commands.find((each) => each.name() === first || each.aliases().includes(first));
  if (command !== undefined) return refusal(command, others, complete, false);
  const args = first === "" ? others : [first, ...others];
  if (program.name() !== "runall-swarm") return refusal(program, args, complete, false);
  return refusal(program, first === "explain" ? others : args, complete, true);
}

/** @param isMixed whether the options of a simulation and its program may follow. */
function refusal(
  command: Command,
  args: readonly string[],
  complete: boolean,
  isMixed: boolean,
): string | undefined {
  const options = [...command.options, ...command.createHelp().visibleOptions(command)];
  const operands: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const argument = args[index]!;
    const [name, attached] = argument.startsWith("--") ? argument.split(/=(.*)/) : [argument];
    const option = options.find(({ long, short }) => long === name || short === name);
    if (argument === "…") continue;
    if (option?.required) {
      const value = attached ?? args[++index];
      const reason = value === undefined ? `${name!} needs a value` : refusedValue(option, value);
      if (reason !== undefined) return reason;
    } else if (option !== undefined) continue;
    else if (isMixed && SIMULATION_VALUED.test(argument)) index++;
    else if (isMixed && (SIMULATION_ATTACHED.test(argument) || SIMULATION_FLAG.test(argument))) continue;
    else if (argument.startsWith("-")) return `no such option: ${argument}`;
    else operands.push(argument);
  }
  return isMixed ? undefined : refusedOperands(command, operands, complete);
}

function isPlaceholder(value: string): boolean {
  return /^[A-Z_]+\b/.test(value) || value.includes("…");
}

function refusedValue(option: Option, value: string): string | undefined {
  if (isPlaceholder(value)) return undefined;
  try {
    option.parseArg?.(value, undefined);
    return undefined;
  } catch (error) {
    return `${option.flags}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function refusedOperands(
  command: Command,
  operands: readonly string[],
  complete: boolean,
): string | undefined {
  const known = command.registeredArguments;
  if (operands.length > known.length) return `${command.name()} takes no ${operands.at(-1)!}`;
  const missing = known.find((argument, index) => argument.required && operands[index] === undefined);
  return complete && missing !== undefined ? `${command.name()} needs ${missing.name()}` : undefined;
}
