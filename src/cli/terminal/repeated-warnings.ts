/** Number of warnings of a kind that are shown when they come; the others are counted. */
const SHOWN = 3;

/** A word that belongs to one file or run: a path, a name with an extension, a number. */
const PARTICULAR = /\S*[/\d.#]\S*/g;

/** Tells which warnings of a campaign are like earlier ones: with 10,000 runs they would bury everything else. */
export class RepeatedWarnings {
  readonly #kinds = new Map<string, { first: string; told: number }>();

  /** @returns whether it is among the first of its kind. */
  isNews(text: string): boolean {
    const name = text.replace(PARTICULAR, "…");
    const kind = this.#kinds.get(name) ?? { first: text, told: 0 };
    kind.told += 1;
    this.#kinds.set(name, kind);
    return kind.told <= SHOWN;
  }

  /** Returns one line for each kind of which some were not shown, and begins anew. */
  takeRest(): string[] {
    const rest = [...this.#kinds.values()].filter(({ told }) => told > SHOWN);
    this.#kinds.clear();
    return rest.map(({ first, told }) => `${told - SHOWN} more (shown with --verbose) such as: ${first}`);
  }
}
