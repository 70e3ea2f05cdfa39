import { availableParallelism } from "node:os";
import path from "node:path";
import { setInterval } from "node:timers";
import { errorText, UserError } from "../errors.ts";
import { planCampaign, type CampaignPlan } from "../campaign/plan.ts";
import { runLabel, runVariables } from "../model/run.ts";
import { splitArguments } from "../simulation/opp-args.ts";
import type { Target } from "../targets/target.ts";
import { chooseSwarm } from "./choose-swarm.ts";
import { EXIT, type Command, type CommandContext } from "./main.ts";
import { CampaignRenderer } from "./render.ts";
import { OWN_OPTIONS, parseOwnOptions, type OwnOptionValues } from "./runall-options.ts";

const HEALTH_INTERVAL_MS = 5000;

/** Runs every run of a parameter study on a swarm; results are left in the study. */
export const runallSwarm: Command = {
  name: "runall-swarm",
  async run(context) {
    const { own, program, simulation } = splitArguments(context.argv, OWN_OPTIONS);
    const options = await parseOwnOptions(own, context);
    if (options === undefined) return EXIT.done;
    const directory = path.resolve(options.directory);
    const request = { directory, commit: options.commit, program, arguments: simulation };
    const planning = planCampaign(request, context.interrupt);
    if (options.dryRun) return listRuns(await planning, context);
    return await runOnSwarm(planning, options, context, directory);
  },
};

async function listRuns(plan: CampaignPlan, { stdout }: CommandContext): Promise<number> {
  for (const run of plan.runs) stdout.write(`${runLabel(run)}: ${runVariables(run)}\n`);
  return Promise.resolve(EXIT.done);
}

async function runOnSwarm(
  planning: Promise<CampaignPlan>,
  options: OwnOptionValues,
  context: CommandContext,
  directory: string,
): Promise<number> {
  const { stdout, stderr, interrupt } = context;
  const { quiet, verbose } = options;
  const renderer = new CampaignRenderer({ quiet, verbose, directory, stdout, stderr, now: Date.now });
  // a bad study must not make a swarm, so the plan comes first; what takes time to load is loaded beside it
  const [plan, { runCampaign }] = await Promise.all([planning, loadCampaign()]);
  const target = await chooseSwarm(options.swarm, {
    runners: availableParallelism(),
    say: (text) => renderer.say(text),
  });
  const swarm = await target.connect();
  using _ = keepHealthy(target, renderer);
  interrupt.addEventListener(
    "abort",
    () => renderer.say("cancelling; what is done is collected. Press Ctrl-C again to leave at once"),
    { once: true },
  );
  let failed = 0;
  try {
    for await (const event of runCampaign(plan, swarm, interrupt)) {
      renderer.show(event);
      if (event.type === "ended") failed = event.summary.failed.length;
    }
  } finally {
    renderer.clear();
  }
  if (interrupt.aborted) return EXIT.interrupted;
  return failed > 0 ? EXIT.failed : EXIT.done;
}

/** By itself, because TypeScript 6.0 does not rewrite the extension of an import beside a `using`. */
function loadCampaign() {
  return import("../campaign/run-campaign.ts");
}

/** A process of the swarm that dies is started again: nobody else would do it while we wait. */
function keepHealthy(target: Target, renderer: CampaignRenderer): Disposable {
  let checking = false;
  const check = async (): Promise<void> => {
    if (checking) return;
    checking = true;
    try {
      const { state, processes } = await target.status();
      if (state === "halted")
        throw new UserError("the swarm has been halted; its runs go on with: swarm-tool resume");
      const dead = processes.filter(({ alive }) => !alive);
      if (state !== "broken") return;
      for (const { role, log } of dead)
        renderer.warn(`the ${role} of the swarm has ended and is started again; see ${log}`);
      await target.connect();
    } catch (error) {
      renderer.warn(errorText(error));
    } finally {
      checking = false;
    }
  };
  const timer = setInterval(() => void check(), HEALTH_INTERVAL_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
