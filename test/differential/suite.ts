import fc from "fast-check";
import { existsSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { findProgram } from "../../scripts/setup.js";
import { STAND_IN, type User } from "../helpers/tool.ts";
import { shapes } from "./arbitrary.ts";
import { checkShape } from "./check-shape.ts";
import type { Problem } from "./compare.ts";
import { PLAINEST, describeShape, parseShapes, type Shape } from "./shape.ts";
import type { Simulator } from "./world.ts";

/**
 * Variables of the differential test:
 * SHAPES number of shapes for each store, SEED from which they are generated, SHAPE one that a failure named, or an array of
 * such, SHAPE_MODEL a library of examples/mm1, with which the real opp_run of PATH is used, SHRINK number of failing shapes to
 * simplify.
 */
const { SHAPES, SEED, SHAPE, SHAPE_MODEL, SHRINK } = process.env;
const DEFAULT_SHAPES = 12;
const SECONDS_PER_SHAPE = 30;

interface Failure {
  shape: Shape;
  problems: Problem[];
}

/** Adds the test of one store. @param user is called when the test starts. */
export function testShapes(user: () => User, defaultSeed: number): void {
  const seed = SEED === undefined ? defaultSeed : Number(SEED);
  const chosen = SHAPE === undefined ? undefined : parseShapes(SHAPE);
  const count = chosen?.length ?? Number(SHAPES ?? DEFAULT_SHAPES);
  it(
    `${count} studies of seed ${seed} leave what plain runs leave`,
    async () => {
      const all = chosen ?? fc.sample(shapes, { seed, numRuns: count });
      const failures: Failure[] = [];
      let refused = 0;
      for (const [index, shape] of all.entries()) {
        const verdict = await check(shape, user());
        if (verdict.refused) refused++;
        if (verdict.problems.length === 0) continue;
        failures.push({ shape, problems: verdict.problems });
        console.log(`shape ${index + 1} of ${count}: ${describeShape(shape)}\n${list(verdict.problems)}`);
      }
      if (SHAPE === undefined) expect(refused).toBeLessThan(Math.max(3, count / 5)); // else the test proves little
      expect(failures.length === 0 ? "" : await report(failures, seed, user())).toBe("");
    },
    count * SECONDS_PER_SHAPE * 1000 + 600_000,
  );
}

/** Adds a test for each of some shapes. @param known the shapes by the fault that they once revealed. */
export function testKnown(user: () => User, known: Readonly<Record<string, Partial<Shape>>>): void {
  it.for(Object.entries(known))("%s", { timeout: SECONDS_PER_SHAPE * 4000 }, async ([, entries]) => {
    const { problems } = await check({ ...PLAINEST, ...entries }, user());
    expect(list(problems)).toBe("");
  });
}

async function check(shape: Shape, user: User): Promise<{ problems: Problem[]; refused: boolean }> {
  try {
    return await checkShape(shape, user, simulator());
  } catch (error) {
    return { problems: [`the test itself: ${(error as Error).stack ?? ""}`], refused: false };
  }
}

function simulator(): Simulator {
  if (SHAPE_MODEL === undefined)
    return { program: path.join(STAND_IN, "opp_run"), args: [], env: { STAND_IN_EXECUTABLE: "1" } };
  const program = findProgram("opp_run");
  if (
    program === undefined ||
    !existsSync(path.join(path.dirname(SHAPE_MODEL), `lib${path.basename(SHAPE_MODEL)}.so`))
  )
    throw new Error("SHAPE_MODEL needs opp_run on PATH, and a library that is there");
  return { program, args: ["-l", SHAPE_MODEL], env: {} };
}

/** The problems, kind by kind, with the simplest shape that shows each. */
async function report(failures: readonly Failure[], seed: number, user: User): Promise<string> {
  const kinds = new Map<string, Failure[]>();
  for (const failure of failures) {
    const kind = kindOf(failure.problems[0]!);
    kinds.set(kind, [...(kinds.get(kind) ?? []), failure]);
  }
  let left = Number(SHRINK ?? (SHAPE === undefined ? 3 : 0));
  const texts: string[] = [];
  for (const [kind, ofKind] of kinds) {
    const first = ofKind.toSorted(
      (a, b) => describeShape(a.shape).length - describeShape(b.shape).length,
    )[0]!;
    const simplest = left-- > 0 ? await simplify(first, kind, user) : first;
    texts.push(
      `${kind} (${ofKind.length} of ${failures.length} failing shapes); SHAPE='${describeShape(simplest.shape)}'\n${list(simplest.problems)}`,
    );
  }
  return `seed ${seed}\n${texts.join("\n")}`;
}

/** Replaces one entry after the other by the plainest, as long as a problem of the kind remains. */
async function simplify(failure: Failure, kind: string, user: User): Promise<Failure> {
  let simplest = failure;
  const attempt = async (change: Partial<Shape>): Promise<void> => {
    const shape = { ...simplest.shape, ...change };
    if (describeShape(shape) === describeShape(simplest.shape)) return;
    const { problems } = await check(shape, user);
    if (problems.some((problem) => kindOf(problem) === kind)) simplest = { shape, problems };
  };
  for (const operation of failure.shape.operations)
    await attempt({ operations: simplest.shape.operations.filter((each) => each !== operation) });
  for (const [key, value] of Object.entries(PLAINEST) as [string, unknown][])
    if (key !== "operations") await attempt({ [key]: value });
  return simplest;
}

function kindOf(problem: Problem): string {
  return problem.slice(0, problem.indexOf(":"));
}

function list(problems: readonly Problem[]): string {
  const shown = problems.slice(0, 8).map((problem) => `  ${problem}\n`);
  return shown.join("") + (problems.length > 8 ? `  and ${problems.length - 8} more\n` : "");
}
