import { MOST_ITEMS, type ResultItem, type RunValues } from "../model/result-item.ts";
import { inBaseUnit, quantityIn } from "../model/quantities.ts";

/** Longer names are omitted: all items of a run together have to fit into memory. */
const LONGEST_NAME = 1000;
/**
 * Names of a statistic's fields, as `opp_scavetool --add-fields-as-scalars` has them, by their names in files; the
 * others (sums of squares) are only intermediate results.
 */
const FIELDS = new Map([
  ...["count", "mean", "stddev", "min", "max", "sum"].map((name) => [name, name] as const),
  ["weights", "sumweights"],
]);
/** Fields in the unit of what was observed. */
const IN_UNIT = new Set(["mean", "stddev", "min", "max", "sum"]);

/** A run, as far as a result file names it. */
export interface NamedRun {
  config: string;
  runNumber: number;
}

/** Returns whether a field of a statistic, by its name in files, is one of the items. */
export function isField(name: string): boolean {
  return FIELDS.has(name);
}

/** A statistic or histogram in a result file. */
export interface Statistic {
  module: string;
  name: string;
  /** Unit of what was observed. */
  unit: string | null;
}

/** Attributes of a run in a result file that say which run of which config it is. */
const RUN_ATTRIBUTES = { config: "configname", runNumber: "runnumber" } as const;

/**
 * Returns whether a run in a result file is the wanted one: files of other tools and old versions may not say which run
 * it is.
 */
export function isWanted(attributes: ReadonlyMap<string, string>, wanted: NamedRun | undefined): boolean {
  if (wanted === undefined) return true;
  const config = attributes.get(RUN_ATTRIBUTES.config) ?? wanted.config;
  const runNumber = attributes.get(RUN_ATTRIBUTES.runNumber) ?? String(wanted.runNumber);
  return config === wanted.config && runNumber === String(wanted.runNumber);
}

/** Collects the items of a run. An item that is recorded twice has its first value. */
export class ItemCollector {
  readonly #items: ResultItem[] = [];
  readonly #values: number[] = [];
  /** Names of the items of each kind and module. */
  readonly #known = new Map<string, Set<string>>();
  readonly #most: number;
  #omitted = 0;

  constructor(most = MOST_ITEMS) {
    this.#most = most;
  }

  /** Adds an item. Returns it, so that its unit can be set; undefined if it is not kept. */
  add(kind: ResultItem["kind"], module: string, name: string, value: number): ResultItem | undefined {
    const known = this.#namesOf(kind, module);
    if (known.has(name)) return undefined;
    if (this.#items.length >= this.#most || module.length > LONGEST_NAME || name.length > LONGEST_NAME) {
      this.#omitted++;
      return undefined;
    }
    known.add(name);
    const item: ResultItem = { kind, module, name, unit: null };
    this.#items.push(item);
    this.#values.push(value);
    return item;
  }

  /** Adds a field of a statistic, unless it is one of the intermediate results. */
  addField({ module, name, unit }: Statistic, field: string, value: number): void {
    const shown = FIELDS.get(field);
    if (shown === undefined) return;
    const item = this.add("statistic", module, `${name}:${shown}`, value);
    if (item !== undefined && IN_UNIT.has(field)) item.unit = unit;
  }

  /** Adds a parameter if its value is a number, in the base unit: each run may write it in another one. */
  addParameter(module: string, name: string, text: string): void {
    const quantity = quantityIn(text);
    if (quantity === undefined) return;
    const { value, unit } = inBaseUnit(quantity);
    const item = this.add("parameter", module, name, value);
    if (item !== undefined && unit !== "") item.unit = unit;
  }

  #namesOf(kind: ResultItem["kind"], module: string): Set<string> {
    const key = `${kind} ${module}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const names = new Set<string>();
    // a hostile file may have any number of modules
    if (this.#known.size < this.#most) this.#known.set(key, names);
    return names;
  }

  /** Counts what was not read. */
  omit(items: number): void {
    this.#omitted += items;
  }

  result(): RunValues {
    return { items: this.#items, values: Float64Array.from(this.#values), omitted: this.#omitted };
  }
}
