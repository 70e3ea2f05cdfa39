import type { SampledSeries } from "../model/down-sample.ts";
import { wordsOf } from "./quoted-text.ts";
import { UserError } from "../errors.ts";
import type { NamedRun } from "./run-values.ts";
import { WantedRun } from "./wanted-run.ts";

/** A vector that a run has recorded. */
export interface RecordedVector {
  /** Its number in the file. */
  id: number;
  module: string;
  name: string;
  unit: string | null;
  /** Whether a value holds until the next one (`sample-hold`), is independent of it (`none`), or changes in between. */
  interpolation: string | null;
  /** Undefined if it is not known without reading the whole file. */
  count: number | undefined;
}

export interface VectorList {
  vectors: RecordedVector[];
  /** Number of vectors beyond the limit. */
  omitted: number;
  /** Whether the time was over before the end of the file. */
  isPartial: boolean;
}

/** The values of a vector, or of the part of it that was read in time. */
export interface VectorSeries extends SampledSeries {
  vector: RecordedVector;
  /** Which part of the file, or of the vector, was read: 1 for everything. */
  readPart: number;
}

/** A vector in a text file, with the places of time and value in its lines. */
interface Declared extends RecordedVector {
  timeAt: number;
  valueAt: number;
}

/** More vectors cannot be chosen from, and names of that length are of a damaged file. */
export const MOST_VECTORS = 20_000;
const LONGEST_NAME = 1000;

/** The run has no vector of that number. */
export function noVector(id: number): UserError {
  return new UserError(`the run has no vector ${id} in this file`);
}

/**
 * What the lines of a vector file or its index say about runs and vectors, apart from the data. If a file contains a run
 * several times, the last one counts.
 * @see OMNeT++ Simulation Manual, appendix "Result File Formats", "Native Result Files".
 */
export class VectorDeclarations {
  readonly vectors = new Map<number, Declared>();
  omitted = 0;
  readonly #run: WantedRun;
  #vector: Declared | undefined;

  /** @param onRun called when a further recording of the wanted run begins. */
  constructor(wanted: NamedRun, onRun: () => void = () => undefined) {
    this.#run = new WantedRun(wanted, () => {
      this.vectors.clear();
      this.omitted = 0;
      onRun();
    });
  }

  /** Whether the present lines belong to the wanted run. */
  get isWanted(): boolean {
    return this.#run.hasItem();
  }

  /** Takes a line that is not one of data. */
  take(line: string): void {
    if (line.startsWith("vector ")) this.#takeVector(wordsOf(line, 5));
    else if (line.startsWith("attr ")) this.#takeAttribute(wordsOf(line, 3));
    else if (line.startsWith("run ")) {
      this.#run.next();
      this.#vector = undefined;
    }
  }

  #takeVector([, number, module = "", name, columns = "TV"]: readonly string[]): void {
    this.#vector = undefined;
    if (!this.isWanted || name === undefined || !/^\d{1,15}$/.test(number!)) return;
    const [timeAt, valueAt] = [columns.indexOf("T") + 1, columns.indexOf("V") + 1];
    const isKept = this.vectors.size < MOST_VECTORS && module.length + name.length <= LONGEST_NAME;
    if (!isKept || timeAt === 0 || valueAt === 0) {
      this.omitted++;
      return;
    }
    const id = Number(number);
    const facts = { unit: null, interpolation: null, count: undefined, timeAt, valueAt };
    this.#vector = { id, module, name, ...facts };
    this.vectors.set(id, this.#vector);
  }

  #takeAttribute([, name, value]: readonly string[]): void {
    if (value === undefined || value.length > LONGEST_NAME) return;
    if (this.#vector === undefined) this.#run.addAttribute(name!, value);
    else if (name === "unit") this.#vector.unit = value;
    else if (name === "interpolationmode") this.#vector.interpolation = value;
  }
}

/** Returns whether a line that begins with a byte is one of data: others begin with a word. */
export function isData(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
