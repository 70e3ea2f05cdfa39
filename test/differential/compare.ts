import path from "node:path";
import { difference, isSame, type Entry, type Picture } from "./picture.ts";
import type { Expectation, RunName } from "./plain.ts";

/** How a campaign ended, according to its messages and records. */
export interface Ending {
  exitCode: number;
  /** Everything that was printed. */
  output: string;
  /** The state of each run that has a record, with its reason. */
  states: ReadonlyMap<RunName, { state: string; error: string }>;
}

/** Permitted deviations from equal trees. */
export interface Allowances {
  /** The campaign may be refused. */
  refusal: boolean;
  /** Runs that may fail although the plain ones completed. */
  failure: (run: RunName) => boolean;
  /** Entries that only plain runs leave, if a message reports them. */
  localOnly: (file: string) => boolean;
  /** Entries that the swarm may leave unchanged. */
  swarmOnly: (file: string) => boolean;
  /** The user's edits of entries meanwhile; undefined: deleted. */
  edits: ReadonlyMap<string, Entry | undefined>;
}

/** `KIND: what`; problems of one kind have one cause. */
export type Problem = string;

/** A copy's name begins like the file's; at least so much of a long name is kept. */
const SHORTEST_STEM = 40;

const FAILED = /(?:^|\/)failed\//;
const OURS = /(?:^|\/)\.swarm(?:\/|$)/;
const GIT = /(?:^|\/)\.git(?:\/|$)/i;

/**
 * Compares what a campaign left with what plain runs leave.
 * @param before the world in which the campaign started.
 * @param after the world that it left.
 * @returns the problems; empty if there are none.
 */
export function compare(
  expectation: Expectation,
  before: Picture,
  after: Picture,
  ending: Ending,
  allowances: Allowances,
): Problem[] {
  const problems = [...endingProblems(ending, allowances)];
  if (ending.exitCode === 2)
    return [...problems, ...changes(before, after, allowances, "changed by a refusal")];
  problems.push(...stateProblems(expectation, ending, allowances));
  const done = (run: RunName): boolean => ending.states.get(run)?.state === "done";
  const comparison = new Comparison({ expectation, before, after, ending, allowances, done });
  return [...problems, ...comparison.problems()];
}

function* endingProblems({ exitCode, output }: Ending, allowances: Allowances): Generator<Problem> {
  if (/^ {4}at /m.test(output) || exitCode === 3) yield `defect: ${lastLines(output)}`;
  else if (exitCode === -1) yield `hang: the command did not end: ${lastLines(output)}`;
  else if (exitCode === 2 && !allowances.refusal) yield `refused: ${lastLines(output)}`;
}

function* stateProblems(
  { runs, failed }: Expectation,
  { exitCode, output, states }: Ending,
  allowances: Allowances,
): Generator<Problem> {
  for (const run of runs) {
    const { state, error } = states.get(run) ?? { state: "without a record", error: "" };
    if (state === "done" && failed.has(run)) yield `wrong state: ${run} is done, but fails locally`;
    if (state === "done" || failed.has(run)) continue;
    if (!allowances.failure(run)) yield `not done: ${run} is ${state}: ${error || lastLines(output)}`;
    else if (error === "" && state !== "without a record")
      yield `silent: ${run} is ${state} without a reason`;
  }
  const allDone = runs.every((run) => states.get(run)?.state === "done");
  if (allDone !== (exitCode === 0) && exitCode >= 0 && exitCode < 2)
    yield `exit code: ${exitCode}, but ${allDone ? "all runs are" : "not all runs are"} done`;
}

/** Entries that differ from their earlier state. */
export function* changes(
  before: Picture,
  after: Picture,
  { edits }: Pick<Allowances, "edits">,
  kind: string,
): Generator<Problem> {
  for (const file of new Set([...before.keys(), ...after.keys()])) {
    if (OURS.test(file) || edits.has(file)) continue;
    const [was, is] = [before.get(file), after.get(file)];
    if (was?.type === "folder" || is?.type === "folder" || isSame(was, is)) continue;
    yield `${kind}: ${file} ${difference(was, is)}`;
  }
}

interface Sides {
  expectation: Expectation;
  before: Picture;
  after: Picture;
  ending: Ending;
  allowances: Allowances;
  done: (run: RunName) => boolean;
}

class Comparison {
  readonly #sides: Sides;
  readonly #problems: Problem[] = [];
  /** The swarm's entries that are copies beside others. */
  readonly #explained = new Set<string>();
  readonly #strays: string[] = [];

  constructor(sides: Sides) {
    this.#sides = sides;
  }

  problems(): Problem[] {
    const { expectation, before, after } = this.#sides;
    const all = new Set([
      ...before.keys(),
      ...after.keys(),
      ...expectation.after.keys(),
      ...expectation.versions.keys(),
    ]);
    for (const file of [...all].sort()) this.#entry(file);
    for (const file of this.#strays)
      if (!this.#explained.has(file) && !this.#isOfFailed(file) && !this.#isCopy(file))
        this.#problems.push(`stray: ${file} ${difference(undefined, after.get(file))}`);
    this.#indexes();
    return this.#problems;
  }

  #entry(file: string): void {
    if (OURS.test(file)) return;
    const { expectation, before, after, allowances } = this.#sides;
    const [was, is] = [before.get(file), after.get(file)];
    if (/(?:^|\/)\.swarm-tmp-/.test(file) && is !== undefined && was === undefined) {
      this.#problems.push(`temporary: ${file} is left`);
      return;
    }
    if (GIT.test(file)) return this.#untouched(file, "git");
    const writers = [...(expectation.versions.get(file) ?? [])].filter(([run]) => this.#sides.done(run));
    const versions = writers.map(([run, picture]) => ({ run, entry: picture.get(file)! }));
    if (allowances.edits.has(file)) {
      const mine = allowances.edits.get(file);
      if (!isSame(mine, is)) this.#problems.push(`user's edit: ${file} ${difference(mine, is)}`);
      for (const each of versions) this.#beside(file, each);
      return;
    }
    if (versions.length === 0) return this.#unwritten(file, was, is);
    if (allowances.localOnly(file)) return this.#localOnly(file, was, is);
    if (versions[0]!.entry.type === "folder") return this.#folder(file, is);
    this.#written(file, was, is, versions);
  }

  #untouched(file: string, kind: string): void {
    const [was, is] = [this.#sides.before.get(file), this.#sides.after.get(file)];
    if (was?.type !== "folder" && !isSame(was, is))
      this.#problems.push(`${kind}: ${file} ${difference(was, is)}`);
  }

  /** No completed run wrote it. */
  #unwritten(file: string, was: Entry | undefined, is: Entry | undefined): void {
    const { expectation } = this.#sides;
    if (isSame(was, is) || (is?.type === "folder" && was === undefined)) return;
    // a run that failed the first time has completed now: the present content is what plain runs have left both times
    if (is !== undefined && isSame(expectation.after.get(file), is)) return;
    if (is === undefined && FAILED.test(file) && expectation.runs.some((run) => this.#sides.done(run)))
      return;
    const deletedByRuns = was !== undefined && !expectation.after.has(file) && expectation.before.has(file);
    if (is === undefined && (deletedByRuns || this.#isMovedCopy(file))) return;
    if (this.#isOfRepeatedFailure(file, is)) return;
    if (was === undefined) {
      if (!this.#sides.allowances.swarmOnly(file)) this.#strays.push(file);
      return;
    }
    const ofFailed = [...(expectation.versions.get(file) ?? [])].some(([, picture]) =>
      isSame(picture.get(file), is),
    );
    this.#problems.push(
      `${ofFailed ? "replaced by a run that is not done" : "damaged"}: ${file} ${difference(was, is)}`,
    );
  }

  #localOnly(file: string, was: Entry | undefined, is: Entry | undefined): void {
    const expected = this.#sides.expectation.after.get(file);
    if (isSame(is, expected)) return;
    if (!isSame(was, is)) this.#problems.push(`damaged: ${file} ${difference(was, is)}`);
    else if (!this.#isNamed(file)) this.#problems.push(`silent: ${file} is left out, and nobody says so`);
  }

  #folder(file: string, is: Entry | undefined): void {
    const below = [...this.#sides.expectation.after.keys()].some((each) => each.startsWith(`${file}/`));
    if (is === undefined && below) return; // its content is missing, too, and reported
    if (is?.type !== "folder")
      this.#problems.push(`empty folder: ${file} ${is ? `is a ${is.type}` : "is missing"}`);
  }

  #written(
    file: string,
    was: Entry | undefined,
    is: Entry | undefined,
    versions: readonly { run: RunName; entry: Entry }[],
  ): void {
    const isOne = versions.some(({ entry }) => isSame(entry, is));
    const isLocal = isSame(this.#sides.expectation.after.get(file), is);
    for (const version of versions)
      for (const [name] of this.#copies(file, version)) this.#explained.add(name);
    if (isLocal && versions.length === 1) return;
    if (isLocal && !isOne) return; // runs that append, one after the other
    if (!isOne && !(was !== undefined && isSame(was, is))) {
      const kind = is === undefined ? "missing" : was === undefined ? "wrong" : "damaged";
      const expected = versions.at(-1)!.entry;
      this.#problems.push(`${kind}: ${file} ${difference(expected, is)}`);
      return;
    }
    for (const version of versions) if (!isSame(version.entry, is)) this.#beside(file, version);
  }

  /** The run's version must have another name, and a message must report it. */
  #beside(file: string, { run, entry }: { run: RunName; entry: Entry }): void {
    const copies = this.#copies(file, { run, entry });
    if (copies.length === 0) {
      this.#problems.push(`lost: what ${run} wrote to ${file} is nowhere`);
      return;
    }
    for (const [name] of copies) this.#explained.add(name);
    // an existing copy was reported when it was created
    const isTold = copies.some(([name]) => this.#isNamed(name) || this.#sides.before.has(name));
    if (!isTold && !this.#isNamed(file))
      this.#problems.push(`silent: what ${run} wrote to ${file} is in ${copies[0]![0]}, and nobody says so`);
  }

  /** Entries beside a file with the run in their names that contain what the run wrote. */
  #copies(file: string, { run, entry }: { run: RunName; entry: Entry }): [string, Entry][] {
    return [...this.#sides.after].filter(
      ([name, found]) =>
        name !== file &&
        path.dirname(name) === path.dirname(file) &&
        path.basename(name).startsWith(path.parse(file).name.slice(0, SHORTEST_STEM)) &&
        path.basename(name).includes(run) &&
        (path.extname(name) === path.extname(file) || name === `${file}.${run}`) && // `.vci` has no extension
        (!this.#sides.before.has(name) || this.#sides.allowances.swarmOnly(name)) &&
        isSame(entry, found),
    );
  }

  #isNamed(file: string): boolean {
    return this.#sides.ending.output.includes(Buffer.from(path.basename(file), "latin1").toString("utf8"));
  }

  /** A copy from an earlier command under a run's name, while the plain name now has what the run wrote. */
  #isMovedCopy(file: string): boolean {
    const { plain, run } = copyName(file);
    const { expectation, after, done } = this.#sides;
    if (plain === undefined || !done(run) || expectation.before.has(file)) return false;
    const written = expectation.pictures.get(run)?.get(plain);
    return written !== undefined && isSame(written, after.get(plain));
  }

  /** A copy under a run's name of what the run wrote, although the file had that content before. */
  #isCopy(file: string): boolean {
    const { plain, run } = copyName(file);
    const picture = this.#sides.expectation.pictures.get(run);
    return (
      plain !== undefined && picture !== undefined && isSame(picture.get(plain), this.#sides.after.get(file))
    );
  }

  /** Files of failed runs may be in a folder of their own. */
  #isOfFailed(file: string): boolean {
    return FAILED.test(file) && this.#sides.expectation.runs.some((run) => !this.#sides.done(run));
  }

  /** A run that failed again has replaced what it left in the folder of failed runs before. */
  #isOfRepeatedFailure(file: string, is: Entry | undefined): boolean {
    const { expectation, done } = this.#sides;
    const plain = file.replace(FAILED, (folder) => (folder.startsWith("/") ? "/" : ""));
    return (
      plain !== file &&
      is !== undefined &&
      expectation.runs.some((run) => !done(run) && isSame(expectation.pictures.get(run)?.get(plain), is))
    );
  }

  /** An index has to fit the vectors beside it, or OMNeT++'s tools refuse both. */
  #indexes(): void {
    for (const [file, { content }] of this.#sides.after) {
      if (!file.endsWith(".vci") || OURS.test(file) || this.#sides.before.has(file)) continue;
      const vectors = this.#sides.after.get(file.replace(/\.vci$/, ".vec"));
      const [, size, seconds] = /^file (\d+) (\d+)/.exec(content) ?? [];
      if (vectors === undefined || size === undefined) continue;
      if (Number(size) !== vectors.content.length || Number(seconds) !== Math.floor(vectors.mtimeMs / 1000))
        this.#problems.push(`index: ${file} does not fit its vectors`);
    }
  }
}

/** `notes.A-3.txt` is a copy of run A-3 beside `notes.txt`. */
function copyName(file: string): { plain: string | undefined; run: RunName } {
  const [, stem, run = "", extension = ""] = /^(.*)\.([AB]-\d+)(\.[^./]*)?$/.exec(file) ?? [];
  return { plain: stem === undefined ? undefined : stem + extension, run };
}

function lastLines(output: string): string {
  return output.trim().split("\n").slice(-4).join(" | ").slice(0, 500);
}
