import { execFile } from "node:child_process";
import { OPERATIONS } from "./operations.ts";
import { isSame, type Picture } from "./picture.ts";
import type { Shape } from "./shape.ts";
import { pictureOf, type World } from "./world.ts";

/** A run's name in these files: `A-0`. */
export type RunName = string;

/** The results of plain runs, executed one after the other. */
export interface Expectation {
  before: Picture;
  after: Picture;
  runs: RunName[];
  /** Runs that a local user would see fail. */
  failed: ReadonlySet<RunName>;
  /** Which runs write an entry: the version of each, executed alone in the original world if there are several. */
  versions: ReadonlyMap<string, ReadonlyMap<RunName, Picture>>;
  /** What each run leaves, also if it is what existed before. */
  pictures: ReadonlyMap<RunName, Picture>;
}

/** Executes a study like opp_runall, but without batches and parallelism. Changes the world. */
export async function runPlainly(
  world: World,
  configs: readonly string[],
  env: NodeJS.ProcessEnv,
  restore: () => Promise<void>,
): Promise<Expectation> {
  const before = pictureOf(world);
  const steps: { name: RunName; config: string; number: string; picture: Picture }[] = [];
  const failed = new Set<RunName>();
  for (const config of configs) {
    for (const number of await runNumbers(world, config, env)) {
      const name = `${config}-${number}`;
      if ((await execute(world, config, number, env)) !== 0) failed.add(name);
      steps.push({ name, config, number, picture: pictureOf(world) });
    }
  }
  const after = steps.at(-1)?.picture ?? before;
  let versions = writersOf(before, steps, "one after the other");
  const isShared = [...versions.values()].some((runs) => runs.size > 1);
  if (isShared || seeEachOther(world.shape)) {
    for (const step of steps) {
      await restore();
      await execute(world, step.config, step.number, env);
      step.picture = pictureOf(world);
    }
    versions = writersOf(before, steps, "each alone");
  }
  const pictures = new Map(steps.map(({ name, picture }) => [name, picture]));
  return { before, after, runs: [...pictures.keys()], failed, versions, pictures };
}

/** Whether a plain run writes something else because of runs before it. */
function seeEachOther({ operations }: Shape): boolean {
  const kinds = operations.map(({ name }) => OPERATIONS[name]!);
  return (
    kinds.some(({ alone }) => alone) ||
    (kinds.some(({ reads }) => reads) && kinds.some(({ changes }) => changes))
  );
}

function writersOf(
  before: Picture,
  steps: readonly { name: RunName; picture: Picture }[],
  how: "one after the other" | "each alone",
): Map<string, Map<RunName, Picture>> {
  const writers = new Map<string, Map<RunName, Picture>>();
  let last = before;
  for (const { name, picture } of steps) {
    for (const [file, entry] of picture) {
      if (isSame(last.get(file), entry)) continue;
      const runs = writers.get(file) ?? new Map<RunName, Picture>();
      writers.set(file, runs.set(name, picture));
    }
    if (how === "one after the other") last = picture;
  }
  return writers;
}

async function runNumbers(world: World, config: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const { exitCode, stdout } = await start(world, [...world.args(config), "-s", "-q", "runnumbers"], env);
  if (exitCode !== 0) throw new Error(`the plain program cannot tell its runs: ${stdout}`);
  return stdout.trim().split(/\s+/).filter(Boolean);
}

async function execute(
  world: World,
  config: string,
  number: string,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const args = world.args(config);
  const filter = args.indexOf("-r");
  if (filter >= 0) args.splice(filter, 2);
  const redirected = args.some((arg) => arg.startsWith("--cmdenv-redirect-output="));
  if (!redirected) args.push("--cmdenv-redirect-output=true");
  return (await start(world, [...args, "-s", "-u", "Cmdenv", "-r", number], env)).exitCode;
}

function start(
  world: World,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ exitCode: number; stdout: string }> {
  return new Promise((resolve) => {
    const child = execFile("./sim", args, { cwd: world.study, env }, (_error, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? -1, stdout: stdout + stderr });
    });
  });
}
