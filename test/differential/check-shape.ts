import { existsSync, realpathSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { temporaryDirectory } from "../helpers/temporary.ts";
import type { User } from "../helpers/tool.ts";
import { changes, compare, type Allowances, type Ending, type Problem } from "./compare.ts";
import { resultBase } from "./ini.ts";
import { OPERATIONS } from "./operations.ts";
import type { Picture } from "./picture.ts";
import { runPlainly, type RunName } from "./plain.ts";
import { RESULT_DIRECTORIES, type Shape } from "./shape.ts";
import { applyEdit, editMeanwhile, executions, runSwarm, statesIn, type Edit } from "./swarm-side.ts";
import { keepWorld, makeWorld, pictureOf, type Simulator, type World } from "./world.ts";

export interface Verdict {
  problems: Problem[];
  /** Whether the campaign was refused, so that it covers little of the shape. */
  refused: boolean;
}

/** Executes a study plainly and through the swarm, and compares the results of both. */
export async function checkShape(shape: Shape, user: User, simulator: Simulator): Promise<Verdict> {
  await using place = await temporaryDirectory("swarm-shape-");
  const world = await makeWorld(shape, place.path, simulator);
  const configs = ["A", "B"].slice(0, shape.configs);
  const nowhere = (): Promise<void> => Promise.resolve();
  if (shape.before === "local") {
    await runPlainly(world, ["A"], user.env, nowhere);
    await editResult(world, resultOf(world));
  }
  const restore = await keepWorld(world);
  const isSecond = shape.before === "swarm" || shape.before === "edited";
  let edited: string | undefined;
  if (isSecond) {
    await runPlainly(world, configs, user.env, nowhere);
    edited = resultOf(world);
    await changeBetween(world, edited);
  }
  const restorePlain = isSecond ? await keepWorld(world, "second") : restore;
  const expectation = await runPlainly(world, configs, user.env, restorePlain);
  await restore();
  if (isSecond) {
    for (const config of configs) {
      const { exitCode, output } = await runSwarm(user, world, ["--verbose", "./sim", ...world.args(config)]);
      if (exitCode === 2)
        return { problems: mayBeRefused(shape) ? [] : [`refused: ${output.slice(-300)}`], refused: true };
      if (exitCode < 0)
        return { problems: [`hang: before the change: ${output.slice(-300)}`], refused: false };
    }
    await changeBetween(world, edited);
  }
  const before = pictureOf(world);
  const edits = editOf(world);
  const ending = await campaigns(user, world, configs, edits);
  const after = pictureOf(world);
  const allowances = allowancesOf(shape, edits, after, isSecond ? before : new Map());
  const whole: Ending = { ...ending, states: statesIn(after) };
  const problems = compare(expectation, before, after, whole, allowances);
  if (problems.length === 0 && ending.exitCode !== 2)
    problems.push(...(await checkAfterwards(user, world, configs, whole, after)));
  return { problems, refused: ending.exitCode === 2 };
}

/** @returns the first nonzero exit code, and everything that was printed. */
async function campaigns(
  user: User,
  world: World,
  configs: readonly string[],
  edits: readonly Edit[],
): Promise<Pick<Ending, "exitCode" | "output">> {
  const endings: Pick<Ending, "exitCode" | "output">[] = [];
  for (const [index, config] of configs.entries()) {
    const command = () => runSwarm(user, world, ["--verbose", "./sim", ...world.args(config)]);
    const edit = async (): Promise<void> => {
      for (const each of edits) await applyEdit(world, each);
    };
    const ending =
      index === 0 && edits.length > 0 ? await editMeanwhile(world, edit, command) : await command();
    endings.push(ending);
    if (ending.exitCode < 0 || ending.exitCode > 1) break;
  }
  return {
    exitCode: endings.map(({ exitCode }) => exitCode).find((code) => code !== 0) ?? 0,
    output: endings.map(({ output }) => output).join(""),
  };
}

/** Repeats the commands, which must execute nothing; neither they nor `attach` may change anything. */
async function checkAfterwards(
  user: User,
  world: World,
  configs: readonly string[],
  { states }: Ending,
  after: Picture,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  const { shape } = world;
  const allDone = [...states.values()].every(({ state }) => state === "done");
  const noEdits = { edits: new Map<string, undefined>() };
  if (shape.attach) {
    const id = [...after].flatMap(([file, { content }]) =>
      /\.swarm\/[AB]-\d+\.json$/.test(file) ? [(JSON.parse(content) as { campaign: string }).campaign] : [],
    )[0];
    const { exitCode, output } = await runSwarm(user, world, ["attach", id ?? ""]);
    if (exitCode !== 0 && (allDone || exitCode !== 1))
      problems.push(`attach: exit ${exitCode}: ${output.slice(-300)}`);
    problems.push(...changes(after, pictureOf(world), noEdits, "changed by attach"));
  }
  if (!allDone || isSourceEdited(world, after)) return problems;
  let output = "";
  const before = executions(world);
  for (const config of configs) {
    const again = await runSwarm(user, world, ["--verbose", "./sim", ...world.args(config)]);
    output += again.output;
    if (again.exitCode !== 0) problems.push(`again: exit ${again.exitCode}: ${again.output.slice(-300)}`);
  }
  const more = executions(world) - before;
  if (more > 0) problems.push(`rerun: the same command executes ${more} runs again: ${output}`);
  problems.push(...changes(after, pictureOf(world), noEdits, "changed by the second command"));
  return problems;
}

/** The user's edits meanwhile count as source; a file of their own does unless its folder has results of the campaign. */
function isSourceEdited(world: World, after: Picture): boolean {
  const { edit, resultDirectory } = world.shape;
  if (edit !== "result") return edit !== "nothing";
  if (RESULT_DIRECTORIES[resultDirectory].base === ".") return true;
  const [file] = editOf(world);
  const records = `${path.dirname(file!.file)}/.swarm/`;
  return ![...after.keys()].some((each) => each.startsWith(records));
}

function mayBeRefused(shape: Shape): boolean {
  return shape.scalars === "append";
}

function allowancesOf(shape: Shape, edits: readonly Edit[], after: Picture, old: Picture): Allowances {
  const kinds = shape.operations.map((each) => ({ ...each, kind: OPERATIONS[each.name]! }));
  const number = (run: RunName): number => Number(run.slice(run.lastIndexOf("-") + 1));
  return {
    refusal: mayBeRefused(shape),
    failure: (run) =>
      kinds.some(({ runs, kind }) => kind.mayFail && (runs === "all" || runs === number(run))),
    localOnly: (file) =>
      kinds.some(
        ({ kind }) =>
          (kind.named !== undefined && path.basename(file).startsWith(kind.named)) ||
          kind.localOnly?.test(file) === true,
      ),
    swarmOnly: (file) => old.has(file) || (shape.redirect.endsWith("false") && file.endsWith(".out")),
    edits: new Map(
      edits.map(({ file, content }) => {
        const entry = after.get(file);
        const mine = { type: "file" as const, mode: entry?.mode ?? 0o644, mtimeMs: 0 };
        return [file, content === undefined ? undefined : { ...mine, content, canonical: content }];
      }),
    ),
  };
}

function editOf({ shape, top, study }: World): Edit[] {
  const inStudy = path.relative(top, study);
  switch (shape.edit) {
    case "nothing":
      return [];
    case "tracked":
      return [{ file: `${inStudy}/tracked.input`, content: "the user's\n" }];
    case "untracked":
      return [{ file: `${inStudy}/untracked.input`, content: "the user's\n" }];
    case "delete":
      return [{ file: `${inStudy}/victim.input`, content: undefined }];
    case "result": {
      const folder = path.join(study, resultBase(shape));
      const real = existsSync(folder) ? realpathSync(folder) : folder;
      return [{ file: path.relative(top, path.join(real, "trace.txt")), content: "the user's\n" }];
    }
  }
}

/** A result of an earlier command, relative to the world: none of a failed run, because the next command replaces those. */
function resultOf(world: World): string | undefined {
  const files = [...pictureOf(world)].filter(
    ([file, { type }]) => type === "file" && /^(?!.*(?:\.(?:HOST|[AB]-\d+)\.|\/failed\/)).*\.sca$/.test(file),
  );
  return files[0]?.[0];
}

/** The user's edit. */
async function editResult(world: World, file: string | undefined): Promise<void> {
  const place = path.join(world.top, file ?? "");
  if (file === undefined || !existsSync(place)) return;
  await writeFile(place, `${await readFile(place, "latin1")}# by the user\n`, "latin1");
}

/** What happens between two commands, on both sides alike. */
async function changeBetween(world: World, result: string | undefined): Promise<void> {
  if (world.shape.before === "edited") return await editResult(world, result);
  await writeFile(path.join(world.study, "untracked.input"), "changed\n");
}
