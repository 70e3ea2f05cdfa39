/** Number of warnings of a kind that are shown immediately; the others are counted. */
const SHOWN = 3;

/** A word that differs between warnings of a kind: a path, a name with an extension, a number. */
const VARIABLE_WORD = /\S*[/\d.#]\S*/g;

/** Recognises repeated warnings of a campaign: with 10,000 runs they would hide all other output. */
export class RepeatedWarnings {
  readonly #kinds = new Map<string, { first: string; count: number }>();

  /** Returns whether a warning is one of the first of its kind. */
  isNews(text: string): boolean {
    const name = text.replace(VARIABLE_WORD, "…");
    const kind = this.#kinds.get(name) ?? { first: text, count: 0 };
    kind.count += 1;
    this.#kinds.set(name, kind);
    return kind.count <= SHOWN;
  }

  /** Returns a line for each kind with warnings that were not shown, and resets all counts. */
  takeRest(): string[] {
    const rest = [...this.#kinds.values()].filter(({ count }) => count > SHOWN);
    this.#kinds.clear();
    return rest.map(({ first, count }) => `${count - SHOWN} more (shown with --verbose) such as: ${first}`);
  }
}
