import fc from "fast-check";
import { OPERATIONS } from "./operations.ts";
import {
  EVENTLOG_FILES,
  GIT_SETTINGS,
  OUTPUT_FILES,
  RESULT_DIRECTORIES,
  SCALAR_FILES,
  VECTOR_FILES,
  type Operation,
  type Shape,
} from "./shape.ts";

/** The plain value in most shapes, so that special values meet in twos and threes, not all together. */
function mostly<T>(plain: T, others: readonly T[], weight = 2): fc.Arbitrary<T> {
  return fc.oneof(
    { arbitrary: fc.constant(plain), weight },
    { arbitrary: fc.constantFrom(...others), weight: 1 },
  );
}

function keysOf<K extends string>(table: Readonly<Record<K, unknown>>): K[] {
  return Object.keys(table) as K[];
}

const operations: fc.Arbitrary<Operation[]> = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom(...Object.keys(OPERATIONS)),
    runs: fc.constantFrom<Operation["runs"]>("all", 0, 1),
    when: fc.constantFrom<Operation["when"]>("before", "after"),
  }),
  { maxLength: 3, selector: ({ name }) => name },
);

/** All choices, also those that cannot be compared. */
const anyShapes: fc.Arbitrary<Shape> = fc.record({
  ini: mostly<Shape["ini"]>("study", ["folder", "included"]),
  configs: mostly<Shape["configs"]>(1, [2], 5),
  repeat: fc.constantFrom<Shape["repeat"]>(1, 2),
  iterated: fc.boolean(),
  filter: mostly("", ["0", "$repetition==0"], 5),
  resultDirectory: mostly("default", keysOf(RESULT_DIRECTORIES), 1),
  namedIn: fc.constantFrom<Shape["namedIn"]>("ini", "config", "arguments"),
  scalars: mostly("default", keysOf(SCALAR_FILES)),
  vectors: mostly("default", keysOf(VECTOR_FILES), 3),
  output: mostly("default", keysOf(OUTPUT_FILES), 3),
  redirect: mostly<Shape["redirect"]>(
    "default",
    ["ini true", "ini false", "arguments true", "arguments false"],
    4,
  ),
  eventlog: mostly("off", keysOf(EVENTLOG_FILES), 4),
  subdivision: mostly(false, [true], 8),
  appendHost: mostly(false, [true], 16),
  operations,
  before: mostly<Shape["before"]>("nothing", ["local", "swarm", "edited"], 4),
  edit: mostly<Shape["edit"]>("nothing", ["tracked", "untracked", "delete", "result"], 4),
  git: mostly<Shape["git"]>(
    [],
    GIT_SETTINGS.map((each) => [each]),
    3,
  ),
  ignored: fc.boolean(),
  attach: mostly(false, [true], 3),
});

/** Their output depends on what an earlier command has left, which a swarm's runs do not see because it is not source. */
const APPENDING = ["appendShared", "appendSharedResult", "changeTracked", "changeIni", "changeUntracked"];

/** Studies of all forms. */
export const shapes: fc.Arbitrary<Shape> = anyShapes.map((shape) => {
  const { before, scalars, vectors, output, eventlog } = shape;
  const sees = (name: string): boolean => {
    if (before === "local")
      return name !== "appendSharedResult" && !(name === "appendShared" && shape.ignored);
    return before === "nothing";
  };
  const editsInputs = ["tracked", "untracked", "delete"].includes(shape.edit);
  const isShared = [scalars, vectors, output, eventlog].some((each) => each.startsWith("shared"));
  return {
    ...shape,
    configs: scalars === "append" ? 1 : shape.configs, // the second one is refused after the first has run
    operations: shape.operations.filter(
      ({ name }) =>
        (sees(name) || !APPENDING.includes(name)) &&
        (!editsInputs || shape.configs === 1 || OPERATIONS[name]!.reads !== true), // the second command sees the edit
    ),
    appendHost: shape.appendHost && !isShared && scalars !== "perConfig", // two runs' names with host and pid are one name to the comparison
  };
});
