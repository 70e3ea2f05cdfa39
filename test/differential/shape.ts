/** The properties of a study, in a form that can be printed, replayed and simplified. */
export interface Shape {
  /** Where the ini file is: in the study, in a folder named with -f, or included from another folder of the checkout. */
  ini: "study" | "folder" | "included";
  /** One config, or two that are executed one after the other. */
  configs: 1 | 2;
  repeat: 1 | 2;
  /** Whether two values of an iteration variable double the runs. */
  iterated: boolean;
  /** A run filter for -r; empty: all runs. */
  filter: string;
  resultDirectory: keyof typeof RESULT_DIRECTORIES;
  /** Where the result directory is configured. */
  namedIn: "ini" | "config" | "arguments";
  scalars: keyof typeof SCALAR_FILES;
  vectors: keyof typeof VECTOR_FILES;
  output: keyof typeof OUTPUT_FILES;
  redirect: "default" | "ini true" | "ini false" | "arguments true" | "arguments false";
  eventlog: keyof typeof EVENTLOG_FILES;
  subdivision: boolean;
  appendHost: boolean;
  /** Additional actions of runs: names in OPERATIONS, with the runs that perform them. */
  operations: Operation[];
  /** The initial content of the result directory: results of a plain run, or of the swarm, edited or not. */
  before: "nothing" | "local" | "swarm" | "edited";
  /** What the user does while the first run executes. */
  edit: "nothing" | "tracked" | "untracked" | "delete" | "result";
  git: GitSetting[];
  /** Whether git ignores the results. */
  ignored: boolean;
  /** Whether `attach` is called at the end. */
  attach: boolean;
}

export interface Operation {
  name: string;
  /** All runs, or only one, by its number. */
  runs: "all" | 0 | 1;
  when: "before" | "after";
}

export const GIT_SETTINGS = [
  "autocrlf",
  "attributes",
  "filter",
  "skip-worktree",
  "assume-unchanged",
  "file-mode",
  "environment",
  "hooks",
  "sparse",
] as const;
type GitSetting = (typeof GIT_SETTINGS)[number];

/** `value` may name WORLD, the folder above everything; `base` is its part without variables, relative to the study. */
interface ResultDirectory {
  value: string;
  base: string;
}

export const RESULT_DIRECTORIES = {
  default: { value: "", base: "results" },
  other: { value: "out", base: "out" },
  deep: { value: "results/of/this", base: "results/of/this" },
  spaces: { value: '"res ults"', base: "res ults" },
  checkout: { value: "../res", base: "../res" },
  above: { value: "../../res", base: "../../res" },
  farAbove: { value: "../../beside/res", base: "../../beside/res" },
  absolute: { value: "WORLD/absolute/res", base: "results" },
  inCheckout: { value: "WORLD/up/checkout/absolute", base: "../absolute" },
  perRun: { value: "per/${configname}/${repetition}", base: "per" },
  perRunAbsolute: { value: "WORLD/absolute/${configname}-${runnumber}", base: "results" },
  study: { value: ".", base: "." },
  linked: { value: "linked", base: "linked" },
  away: { value: "away", base: "away" },
} as const satisfies Record<string, ResultDirectory>;

const OWN = "${configname}-${runnumber}";

export const SCALAR_FILES = {
  default: "",
  own: `own/${OWN}.sca`,
  quoted: `"own files/${OWN} a.sca"`,
  resultDirectory: "${resultdir}/deeper/" + `${OWN}.sca`,
  above: `../../sca/${OWN}.sca`,
  absolute: `WORLD/absolute/${OWN}.sca`,
  study: `${OWN}.sca`,
  shared: "results/all.sca",
  perConfig: "results/${configname}.sca",
  sharedAbsolute: "WORLD/absolute/all.sca",
  append: "results/appended.sca",
} as const;

export const VECTOR_FILES = {
  default: "",
  own: `vectors/${OWN}.vec`,
  above: `../../vec/${OWN}.vec`,
  absolute: `WORLD/absolute/vec/${OWN}.vec`,
  noDot: `results/${OWN}`,
  shared: "results/all.vec",
  none: "",
} as const;

export const OUTPUT_FILES = {
  default: "",
  own: `logs/${OWN}.out`,
  checkout: `../logs/${OWN}.out`,
  above: `../../logs/${OWN}.out`,
  absolute: `WORLD/absolute/${OWN}.out`,
  shared: "logs/all.out",
} as const;

export const EVENTLOG_FILES = {
  off: "",
  default: "",
  own: `elog/${OWN}.elog`,
  above: `../../elog/${OWN}.elog`,
  absolute: `WORLD/absolute/${OWN}.elog`,
  shared: "results/all.elog",
} as const;

/** The shape without special values: others are simplified towards it. */
export const PLAINEST: Shape = {
  ini: "study",
  configs: 1,
  repeat: 1,
  iterated: false,
  filter: "",
  resultDirectory: "default",
  namedIn: "ini",
  scalars: "default",
  vectors: "default",
  output: "default",
  redirect: "default",
  eventlog: "off",
  subdivision: false,
  appendHost: false,
  operations: [],
  before: "nothing",
  edit: "nothing",
  git: [],
  ignored: true,
  attach: false,
};

/** The entries in which a shape differs from the plainest, as a text that SHAPE accepts. */
export function describeShape(shape: Shape): string {
  const entries = Object.entries(shape) as [keyof Shape, unknown][];
  return JSON.stringify(
    Object.fromEntries(
      entries.filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(PLAINEST[key])),
    ),
  );
}

/** The shapes that a text describes: one, or an array of them. */
export function parseShapes(text: string): Shape[] {
  const described = [JSON.parse(text) as Partial<Shape> | Partial<Shape>[]].flat();
  return described.map((each) => ({ ...PLAINEST, ...each }));
}

/** Whether a study names files by absolute paths. */
export function hasAbsolutePaths(shape: Shape): boolean {
  return [
    RESULT_DIRECTORIES[shape.resultDirectory].value,
    SCALAR_FILES[shape.scalars],
    VECTOR_FILES[shape.vectors],
    OUTPUT_FILES[shape.output],
    EVENTLOG_FILES[shape.eventlog],
  ].some((value) => value.includes("WORLD"));
}
