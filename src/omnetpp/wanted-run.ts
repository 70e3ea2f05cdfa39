import { isWanted, type NamedRun } from "./run-values.ts";

/** OMNeT++ writes about twenty attributes of a run; a hostile file may have any number, of any length. */
const MOST_ATTRIBUTES = 1000;
const LONGEST_ATTRIBUTE = 1000;

/** Finds out which part of a result file in text belongs to the wanted run: its attributes come before its items. */
export class WantedRun {
  readonly #wanted: NamedRun | undefined;
  readonly #onBegin: () => void;
  /** Attributes of the current run, until its first item. */
  #attributes: Map<string, string> | undefined = new Map();
  #isCurrent = false;

  /**
   * @param wanted undefined: every run.
   * @param onBegin called with the first item of each recording of the wanted run: of several, the last one counts.
   */
  constructor(wanted: NamedRun | undefined, onBegin: () => void) {
    this.#wanted = wanted;
    this.#onBegin = onBegin;
  }

  /** Begins with the next run in the file. */
  next(): void {
    this.#attributes = new Map();
    this.#isCurrent = false;
  }

  /** Whether no item of the current run has been read: attributes are those of the run. */
  get isBeforeItems(): boolean {
    return this.#attributes !== undefined;
  }

  /** Adds an attribute of the run, which counts before the first item. */
  addAttribute(name: string, value: string): void {
    if (this.#attributes === undefined || this.#attributes.size >= MOST_ATTRIBUTES) return;
    if (name.length + value.length <= LONGEST_ATTRIBUTE) this.#attributes.set(name, value);
  }

  /** Notes an item of the current run. Returns whether this is the wanted one. */
  hasItem(): boolean {
    if (this.#attributes === undefined) return this.#isCurrent;
    this.#isCurrent = isWanted(this.#attributes, this.#wanted);
    this.#attributes = undefined;
    if (this.#isCurrent) this.#onBegin();
    return this.#isCurrent;
  }
}
