import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryDirectory } from "../helpers/temporary.ts";
import { STAND_IN } from "../helpers/tool.ts";
import { compare, type Allowances, type Ending } from "./compare.ts";
import { type Entry, type Picture } from "./picture.ts";
import { runPlainly, type Expectation } from "./plain.ts";
import { PLAINEST, type Shape } from "./shape.ts";
import { keepWorld, makeWorld, type Simulator } from "./world.ts";

const SIMULATOR: Simulator = {
  program: path.join(STAND_IN, "opp_run"),
  args: [],
  env: { STAND_IN_EXECUTABLE: "1" },
};

/** Both sides of a comparison, as a swarm without faults would leave them. */
interface Sides {
  expectation: Expectation;
  before: Map<string, Entry>;
  after: Map<string, Entry>;
  ending: Ending;
  allowances: Allowances;
}

/** Executes a study plainly twice: the second time stands for the swarm. */
async function twice(shape: Partial<Shape>): Promise<Sides> {
  await using place = await temporaryDirectory("swarm-shape-");
  const world = await makeWorld({ ...PLAINEST, ...shape }, place.path, SIMULATOR);
  const restore = await keepWorld(world);
  const expectation = await runPlainly(world, ["A"], process.env, restore);
  await restore();
  const again = await runPlainly(world, ["A"], process.env, () => Promise.resolve());
  const states = new Map(expectation.runs.map((run) => [run, { state: "done", error: "" }]));
  return {
    expectation,
    before: new Map(again.before),
    after: new Map(again.after),
    ending: { exitCode: 0, output: "", states },
    allowances: {
      refusal: false,
      failure: () => false,
      localOnly: () => false,
      swarmOnly: () => false,
      edits: new Map(),
    },
  };
}

function copyOf(sides: Sides): Sides {
  return {
    ...sides,
    before: new Map(sides.before),
    after: new Map(sides.after),
    ending: { ...sides.ending, states: new Map(sides.ending.states) },
    allowances: { ...sides.allowances, edits: new Map() },
  };
}

const problemsOf = ({ expectation, before, after, ending, allowances }: Sides): string[] =>
  compare(expectation, before, after, ending, allowances);

const STUDY = "up/checkout/study";
const SCALARS = `${STUDY}/results/A-rate=0.5-#0.sca`;
const VECTORS = `${STUDY}/results/A-rate=0.5-#0.vec`;
const INDEX = `${STUDY}/results/A-rate=0.5-#0.vci`;
const OUTPUT = `${STUDY}/results/A-rate=0.5-#0.out`;

function entryOf(picture: Picture, file: string): Entry {
  const entry = picture.get(file);
  if (entry === undefined) throw new Error(`${file} is not there`);
  return entry;
}

function change(picture: Map<string, Entry>, file: string, changes: Partial<Entry>): void {
  const entry = entryOf(picture, file);
  const content = changes.content ?? entry.content;
  picture.set(file, { ...entry, canonical: changes.content ?? entry.canonical, ...changes, content });
}

const file = (content: string): Entry => ({
  type: "file",
  mode: 0o644,
  content,
  canonical: content,
  mtimeMs: 0,
});

describe("comparing two worlds", () => {
  let plain: Sides;
  let sides: Sides;

  beforeAll(async () => {
    plain = await twice({ iterated: true, operations: [{ name: "link", runs: "all", when: "after" }] });
  });

  it("finds no difference if the swarm left what plain runs leave, except for times and process ids", () => {
    expect(problemsOf(plain)).toEqual([]);
    expect([...plain.after.keys()]).toEqual(expect.arrayContaining([SCALARS, VECTORS, INDEX, OUTPUT]));
    expect(entryOf(plain.after, SCALARS).content).not.toBe(entryOf(plain.expectation.after, SCALARS).content);
  });

  const scalarLine = /^scalar .* (\S+)$/m;
  it.each<[string, RegExp, (sides: Sides) => void]>([
    [
      "a scalar of another value",
      /^wrong: .*sca line/,
      ({ after }) => {
        const { canonical } = entryOf(after, SCALARS);
        change(after, SCALARS, { canonical: canonical.replace(scalarLine, "scalar x y 1.5") });
      },
    ],
    [
      "a result that is cut short",
      /^wrong: /,
      ({ after }) => {
        change(after, VECTORS, { canonical: entryOf(after, VECTORS).canonical.slice(0, -20) });
      },
    ],
    ["a result that is missing", /^missing: .*sca is missing/, ({ after }) => void after.delete(SCALARS)],
    ["output without its end", /^wrong: .*out/, ({ after }) => change(after, OUTPUT, { canonical: "" })],
    ["output that is missing", /^missing: .*out is missing/, ({ after }) => void after.delete(OUTPUT)],
    ["an unexpected file", /^stray: /, ({ after }) => void after.set("up/more.txt", file("x"))],
    [
      "one in the results",
      /^stray: /,
      ({ after }) => void after.set(`${STUDY}/results/failed/a.sca`, file("x")),
    ],
    ["one in an outer folder", /^stray: /, ({ after }) => void after.set("elsewhere/a.sca", file("x"))],
    [
      "a temporary file",
      /^temporary: /,
      ({ after }) => void after.set(`${STUDY}/results/.swarm-tmp-1-a`, file("x")),
    ],
    [
      "a file of the user's that is changed",
      /^damaged: up\/user.txt/,
      ({ after }) => change(after, "up/user.txt", { content: "other\n" }),
    ],
    [
      "one that is deleted",
      /^damaged: .*tracked.input is missing/,
      ({ after }) => void after.delete(`${STUDY}/tracked.input`),
    ],
    [
      "one with another mode",
      /^damaged: .*mode 755 instead of 644/,
      ({ after }) => change(after, "up/user.txt", { mode: 0o755 }),
    ],
    [
      "a result with another mode",
      /^wrong: .*mode 600/,
      ({ after }) => change(after, SCALARS, { mode: 0o600 }),
    ],
    [
      "a link with another target",
      /^wrong: .*link-A-0/,
      ({ after }) => change(after, `${STUDY}/results/link-A-0`, { content: "/etc/passwd" }),
    ],
    [
      "a file in place of a link",
      /^wrong: .*a file instead of a link/,
      ({ after }) => change(after, `${STUDY}/results/link-A-0`, { type: "file" }),
    ],
    [
      "a change of the repository",
      /^git: /,
      ({ after }) => change(after, "up/checkout/.git/config", { content: "[core]\n" }),
    ],
    ["a hook", /^git: /, ({ after }) => void after.set("up/checkout/.git/hooks/post-commit", file("x"))],
    ["a hook in a folder in capitals", /^git: /, ({ after }) => void after.set(`${STUDY}/.GIT/a`, file("x"))],
    ["an index that does not fit", /^index: /, ({ after }) => change(after, VECTORS, { mtimeMs: 0 })],
    [
      "a run that is not done",
      /^not done: A-0 is failed: why/,
      ({ ending, after }) => {
        (ending.states as Map<string, object>).set("A-0", { state: "failed", error: "why" });
        ending.exitCode = 1;
        for (const name of [SCALARS, VECTORS, INDEX, OUTPUT]) after.delete(name);
      },
    ],
    [
      "a run without a record",
      /^not done: A-1 is without a record/,
      ({ ending }) => void (ending.states as Map<string, object>).delete("A-1"),
    ],
    [
      "an exit code that does not fit",
      /^exit code: 1, but all runs are done/,
      ({ ending }) => void (ending.exitCode = 1),
    ],
    ["a defect", /^defect: /, ({ ending }) => void (ending.output = "TypeError: x\n    at y (z.js:1:2)\n")],
    ["a command that does not end", /^hang: /, ({ ending }) => void (ending.exitCode = -1)],
    [
      "a refusal that nothing calls for",
      /^refused: /,
      ({ ending, before, after }) => {
        Object.assign(ending, { exitCode: 2, output: "no" });
        after.clear();
        for (const [name, entry] of before) after.set(name, entry);
      },
    ],
    [
      "a refusal that leaves something",
      /^changed by a refusal: .*sca/m,
      ({ ending, allowances }) => {
        ending.exitCode = 2;
        allowances.refusal = true;
      },
    ],
    [
      "an edit of the user's that is lost",
      /^user's edit: up\/user.txt/,
      ({ allowances }) => void (allowances.edits as Map<string, Entry>).set("up/user.txt", file("mine\n")),
    ],
  ])("reports %s", (_, message, mutate) => {
    sides = copyOf(plain);
    mutate(sides);
    expect(problemsOf(sides).join("\n")).toMatch(message);
  });
});

describe("comparing a file that several runs write", () => {
  const shared = `${STUDY}/results/trace.txt`;
  const aside = `${STUDY}/results/trace.A-0.txt`;
  let plain: Sides;

  beforeAll(async () => {
    plain = await twice({
      iterated: true,
      operations: [{ name: "overwriteShared", runs: "all", when: "after" }],
    });
  });

  it("requires each version, and a message about it", () => {
    const sides = copyOf(plain);
    expect(problemsOf(sides)).toEqual([`lost: what A-0 wrote to ${shared} is nowhere`]);
    sides.after.set(aside, file("run A-0\n"));
    expect(problemsOf(sides)).toEqual([
      `silent: what A-0 wrote to ${shared} is in ${aside}, and nobody says so`,
    ]);
    sides.ending.output = "warning: A #0's trace.txt is trace.A-0.txt\n";
    expect(problemsOf(sides)).toEqual([]);
  });

  it("reports a mixture, and copies of runs that did not write it", () => {
    const sides = copyOf(plain);
    sides.ending.output = "trace.A-0.txt trace.A-1.txt";
    sides.after.set(aside, file("run A-0\n"));
    change(sides.after, shared, { content: "run A-0\nrun A-1\n" });
    expect(problemsOf(sides)).toContainEqual(expect.stringMatching(/^wrong: .*trace.txt line/));
    sides.after.set(`${STUDY}/results/other.A-0.txt`, file("run A-0\n"));
    expect(problemsOf(sides)).toContainEqual(expect.stringMatching(/^stray: .*other.A-0.txt/));
  });
});

describe("comparing a user's file that a run changes", () => {
  const tracked = `${STUDY}/tracked.input`;
  let plain: Sides;

  beforeAll(async () => {
    plain = await twice({ operations: [{ name: "changeTracked", runs: 0, when: "after" }] });
  });

  it("accepts the run's version in its place or beside it", () => {
    const sides = copyOf(plain);
    expect(problemsOf(sides)).toEqual([]);
    const version = entryOf(sides.after, tracked);
    sides.after.set(tracked, entryOf(sides.before, tracked));
    expect(problemsOf(sides)).toEqual([`lost: what A-0 wrote to ${tracked} is nowhere`]);
    sides.after.set(`${STUDY}/tracked.A-0.input`, version);
    sides.ending.output = "tracked.A-0.input";
    expect(problemsOf(sides)).toEqual([]);
  });

  it("requires both versions if the user edits the file, too", () => {
    const sides = copyOf(plain);
    const version = entryOf(sides.after, tracked);
    (sides.allowances.edits as Map<string, Entry>).set(tracked, file("mine\n"));
    expect(problemsOf(sides).map((problem) => problem.split(":")[0])).toEqual(["user's edit", "lost"]);
    sides.after.set(tracked, file("mine\n"));
    sides.after.set(`${STUDY}/tracked.A-0.input`, version);
    sides.ending.output = "tracked.A-0.input";
    expect(problemsOf(sides)).toEqual([]);
  });
});

describe("comparing files that only plain runs may leave", () => {
  const fifo = `${STUDY}/results/pipe-A-0`;

  it("requires their name in a warning", async () => {
    const sides = await twice({ operations: [{ name: "fifo", runs: 0, when: "after" }] });
    sides.allowances.localOnly = (name) => path.basename(name).startsWith("pipe-");
    sides.after.delete(fifo);
    expect(problemsOf(sides)).toEqual([`silent: ${fifo} is left out, and nobody says so`]);
    sides.ending.output = "warning: pipe-A-0 is a pipe";
    expect(problemsOf(sides)).toEqual([]);
  });
});
