import path from "node:path";
import type { BuildProgress } from "../../model/build-progress.ts";
import { LineSplitter } from "../../omnetpp/line-splitter.ts";
import { makemakeCommand } from "../../omnetpp/makemake.ts";
import { readMakefile } from "../../project/files/makefiles.ts";

/** Minimum time between two reports. */
const REPORT_MS = 500;

/** A line that ends with the name of a source file: what OMNeT++'s Makefiles print for each compilation, or its command. */
const COMPILATION = /(?:^|[\s/])([\w.+-]+\.(?:cc|cpp|cxx|c\+\+|C|c))"?\s*$/;

/** Counts the compilations of a build by its output, and reports them. */
export class Compilations implements Disposable {
  readonly #report: (progress: BuildProgress) => void;
  readonly #startedAt = performance.now();
  readonly #lastMs: number | undefined;
  readonly #lines = new Set<string>();
  /** Number of source files by the folder in which make is started. */
  readonly #totals = new Map<string, number>();
  readonly #splitter = new LineSplitter((line) => this.#read(line));
  #file: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param lastMs duration of the last build of the project, if it is known. */
  constructor(lastMs: number | undefined, report: (progress: BuildProgress) => void) {
    this.#lastMs = lastMs;
    this.#report = report;
    if (lastMs !== undefined) this.#send();
  }

  /** Notes how many files make will compile in a folder; called before each start of make. */
  async expect(folder: string): Promise<void> {
    const objects = await countObjects(folder);
    if (objects > 0) this.#totals.set(folder, objects);
  }

  /** Reads a piece of the build's output. */
  write(text: string): void {
    this.#splitter.write(text);
  }

  #read(line: string): void {
    const file = COMPILATION.exec(line)?.[1];
    if (file === undefined || this.#lines.has(line)) return;
    this.#lines.add(line);
    this.#file = file;
    if (this.#lines.size === 1) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), REPORT_MS);
  }

  #send(): void {
    this.#timer = undefined;
    const started = this.#lines.size;
    const total = [...this.#totals.values()].reduce((sum, objects) => sum + objects, 0);
    this.#report({
      started,
      ...(total >= started && total > 0 && { total }),
      ...(this.#file !== undefined && { file: this.#file }),
      elapsedMs: Math.round(performance.now() - this.#startedAt),
      ...(this.#lastMs !== undefined && { lastMs: this.#lastMs }),
    });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** A folder in which a recipe starts make: `cd src && $(MAKE)`, `$(MAKE) -C src`. */
const SUBFOLDER = /(?:\bcd\s+|\s-C\s*)([\w./-]+)/g;

/**
 * Returns the number of object files that make produces in a folder, by the Makefiles that opp_makemake has generated
 * there, or in the folders to which the Makefile there passes on; 0 if it is unknown.
 */
export async function countObjects(folder: string): Promise<number> {
  const makefile = (await readMakefile(folder))?.text ?? "";
  if (makemakeCommand(makefile) !== undefined) return objectsIn(makefile);
  const folders = new Set([...makefile.matchAll(SUBFOLDER)].map(([, name]) => path.resolve(folder, name!)));
  folders.delete(folder);
  const counts = [...folders].map(async (each) => {
    const text = (await readMakefile(each))?.text ?? "";
    return makemakeCommand(text) === undefined ? 0 : objectsIn(text);
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/** Returns the number of object files that a generated Makefile lists. */
function objectsIn(makefile: string): number {
  const list = /^OBJS = ((?:.*\\\r?\n)*.*)$/m.exec(makefile)?.[1] ?? "";
  return list.match(/\S+\.o\b/g)?.length ?? 0;
}
