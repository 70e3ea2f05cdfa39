import { splitArguments } from "../../omnetpp/opp-args.ts";
import { isCompletion } from "../terminal/completion.ts";
import { EXIT, isHelp, type Command } from "../terminal/command.ts";
import { EXPLAIN, OWN_OPTIONS, parseOwnOptions, SUBCOMMANDS } from "./runall-options.ts";

/**
 * Executes all runs of a parameter study on a swarm and collects their results into the study. Most modules
 * are imported only when they are needed, so that `--help` is fast.
 */
export const runallSwarm: Command = {
  name: "runall-swarm",
  onlyPrints: ([first = "", ...argv]) =>
    ["list", "logs", "results", EXPLAIN].includes(first) ||
    [first, ...argv].some((each) => ["--dry-run", `--${EXPLAIN}`].includes(each)) ||
    isHelp([first, ...argv]),
  async run(context) {
    if (isCompletion(context)) return await (await import("./complete-runall.ts")).completeRunall(context);
    const [word = "", ...more] = context.argv;
    if (word === "help") return await this.run({ ...context, argv: [...more.slice(0, 1), "--help"] });
    if (SUBCOMMANDS.has(word) || word === "completion") {
      const { runSubcommand } = await import("./campaign-commands.ts");
      return await runSubcommand(context);
    }
    const [first, ...others] = context.argv;
    const argv = first === EXPLAIN ? [`--${EXPLAIN}`, ...others] : context.argv;
    const split = splitArguments(argv, OWN_OPTIONS);
    const options = await parseOwnOptions(split.own, context);
    if (options === undefined) return EXIT.done;
    const { runStudy } = await import("./run-study.ts");
    return await runStudy(split, options, context);
  },
};
