import { setImmediate } from "node:timers/promises";
import { UserError } from "../errors.ts";
import {
  fullName,
  haveSameItems,
  itemKey,
  MOST_ITEMS,
  type ResultItem,
  type RunValues,
} from "../model/result-item.ts";
import { compareTexts } from "../model/quantities.ts";
import type { QueueWatch } from "../queue/watch.ts";
import { ValueIndex, type Entry } from "../stores/value-index.ts";
import type { CampaignView } from "./campaign-view.ts";
import { combine, type Over, type Series } from "./combine.ts";
import type { Row } from "./row.ts";
import { valuesOfRun, type ReadSources } from "./run-values.ts";

/** Number of runs whose files are read concurrently. */
const CONCURRENT_RUNS = 4;
/** Maximum number of values to keep in memory of runs that are not in the index: 256 MB. */
const MOST_VALUES = 1 << 25;
/** Maximum number of values, and of items, in an answer. */
const MOST_POINTS = 1_000_000;
const MOST_SERIES = 1000;
/** Time after which files that could not be read are read again. */
const RETRY_MS = 30_000;

interface CountedItem extends ResultItem {
  runs: number;
}

/** What can be shown of a campaign's results at the moment. */
export interface ResultList {
  /** Number of runs whose values are known. */
  runs: number;
  /** Number of ended runs whose files are still to be read. */
  unread: number;
  /** Why the values of some runs are unknown. */
  problems: { runs: number; reason: string }[];
  /** Each with the number of runs that have recorded it. */
  items: CountedItem[];
  /** Number of items that are not listed, because there are too many. */
  omitted: number;
}

/** The values of a run that are not in the index, or why they cannot be read. */
interface ReadRun {
  finishedAt: number | undefined;
  values?: RunValues;
  problem?: { reason: string; at: number };
}

/** The runs of a campaign that count, by where their values are. */
interface Sorted {
  indexed: Entry[];
  read: { runNumber: number; values: RunValues }[];
  unread: Row[];
  problems: string[];
}

/**
 * The numbers that the runs of a campaign have recorded: of runs that are done and that no later campaign has executed
 * again, from the campaign's index or, if they are not in it, from the result files, collected or not.
 */
export class CampaignResults {
  readonly #view: CampaignView;
  readonly #queue: Pick<QueueWatch, "jobs">;
  readonly #sources: ReadSources;
  readonly #onError: (error: Error) => void;
  #index: { resultDirectory: string; values: ValueIndex } | undefined;
  readonly #read = new Map<number, ReadRun>();
  #readValues = 0;
  #lastItems: readonly ResultItem[] = [];
  #reading: Promise<void> | undefined;
  #version = 0;
  #seen = -1;

  constructor(
    view: CampaignView,
    queue: Pick<QueueWatch, "jobs">,
    sources: ReadSources,
    onError: (error: Error) => void,
  ) {
    this.#view = view;
    this.#queue = queue;
    this.#sources = sources;
    this.#onError = onError;
  }

  /**
   * Reads what was added to the index, and starts to read the files of other runs.
   * @returns a number that differs if anything has changed.
   */
  async refresh(): Promise<number> {
    const resultDirectory = await this.#sources.resultDirectory(this.#view.campaign);
    if (this.#index?.resultDirectory !== resultDirectory)
      this.#index = resultDirectory === undefined ? undefined : this.#open(resultDirectory);
    if (await this.#index?.values.refresh()) this.#version++;
    if (this.#seen !== this.#view.version) this.#version++;
    this.#seen = this.#view.version;
    const { unread } = this.#sort();
    if (unread.length > 0) this.#reading ??= this.#readAll().finally(() => (this.#reading = undefined));
    return this.#version;
  }

  /** Waits until the files of all ended runs have been read. */
  async complete(): Promise<void> {
    do {
      await this.refresh();
      await this.#reading;
    } while (this.#sort().unread.length > 0);
  }

  /** Returns the items that the runs have recorded, sorted by name. */
  list(): ResultList {
    const sorted = this.#sort();
    const { items, omitted } = this.#items(sorted);
    const reasons = new Map<string, number>();
    for (const reason of sorted.problems) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    return {
      runs: sorted.indexed.length + sorted.read.length,
      unread: sorted.unread.length,
      problems: [...reasons].map(([reason, runs]) => ({ runs, reason })),
      items: items.slice(0, MOST_ITEMS),
      omitted: omitted + Math.max(0, items.length - MOST_ITEMS),
    };
  }

  /**
   * Returns the values of all items that match, one series for each, or one for all of them.
   * @param matches decides by `module.name`.
   * @param over combines the values of each run; undefined: a series for each item.
   */
  async values(
    matches: (name: string) => boolean,
    over?: Over,
  ): Promise<{ series: Series[]; unread: number; omitted: number }> {
    const sorted = this.#sort();
    const matching = this.#items(sorted).items.filter((item) => matches(fullName(item)));
    const runs = sorted.indexed.length + sorted.read.length;
    const most = Math.max(1, Math.min(MOST_SERIES, Math.floor(MOST_POINTS / Math.max(1, runs))));
    const chosen = over === undefined ? matching.slice(0, most) : matching;
    const keys = new Map(chosen.map((item, index) => [itemKey(item), index]));
    const collected = await this.#collect(sorted, keys);
    if (collected === undefined) {
      // the index has been replaced
      await this.refresh();
      return await this.values(matches, over);
    }
    const series =
      over === undefined
        ? chosen.map(({ module, name, unit }, at): Series => ({ module, name, unit, values: collected[at]! }))
        : combine(chosen, collected, over);
    for (const { values } of series) values.sort(([a], [b]) => a - b);
    return { series, unread: sorted.unread.length, omitted: matching.length - chosen.length };
  }

  #open(resultDirectory: string): { resultDirectory: string; values: ValueIndex } {
    return { resultDirectory, values: new ValueIndex(resultDirectory, this.#view.campaign.id) };
  }

  #sort(now = Date.now()): Sorted {
    const sorted: Sorted = { indexed: [], read: [], unread: [], problems: [] };
    for (const row of this.#view.rows.values()) {
      const { state, supersededBy, runNumber, finishedAt } = row;
      if (state !== "done" || supersededBy !== undefined) continue;
      const entry = this.#index?.values.entry(runNumber, finishedAt);
      const read = this.#read.get(runNumber);
      const isCurrent = read !== undefined && read.finishedAt === finishedAt;
      if (entry !== undefined) {
        sorted.indexed.push(entry);
        if (read !== undefined) this.#forget(runNumber, read);
      } else if (isCurrent && read.values !== undefined) sorted.read.push({ runNumber, values: read.values });
      else if (isCurrent && now - read.problem!.at < RETRY_MS) sorted.problems.push(read.problem!.reason);
      else sorted.unread.push(row);
    }
    return sorted;
  }

  async #readAll(): Promise<void> {
    const { unread } = this.#sort();
    const next = unread.values();
    const work = async (): Promise<void> => {
      for (const row of next) {
        await this.#readRun(row);
        await setImmediate(); // other requests get their turn
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT_RUNS }, work));
  }

  async #readRun({ runNumber, finishedAt }: Row): Promise<void> {
    const before = this.#read.get(runNumber);
    if (before !== undefined) this.#forget(runNumber, before);
    try {
      const found = await valuesOfRun(this.#view.campaign, runNumber, this.#queue, this.#sources);
      if (this.#readValues + found.values.length > MOST_VALUES)
        throw new UserError("the files of all runs together have too many values for the memory");
      if (haveSameItems(this.#lastItems, found.items)) found.items = this.#lastItems;
      this.#lastItems = found.items;
      this.#readValues += found.values.length;
      this.#read.set(runNumber, { finishedAt, values: found });
    } catch (error) {
      if (!(error instanceof UserError)) this.#onError(error as Error);
      const reason = error instanceof UserError ? error.message : "this is a bug; see the dashboard's log";
      this.#read.set(runNumber, { finishedAt, problem: { reason, at: Date.now() } });
    }
    this.#version++;
  }

  #forget(runNumber: number, { values }: ReadRun): void {
    this.#readValues -= values?.values.length ?? 0;
    this.#read.delete(runNumber);
  }

  /** Returns the distinct items of all runs, sorted by name. */
  #items({ indexed, read }: Sorted): { items: CountedItem[]; omitted: number } {
    const lists = new Map<readonly ResultItem[], number>();
    let omitted = 0;
    const add = (list: readonly ResultItem[], own: number): void => {
      lists.set(list, (lists.get(list) ?? 0) + 1);
      omitted = Math.max(omitted, own);
    };
    for (const entry of indexed) add(this.#index!.values.itemsOf(entry), entry.omitted);
    for (const { values } of read) add(values.items, values.omitted);
    const items = new Map<string, CountedItem>();
    for (const [list, runs] of lists)
      for (const item of list) {
        const key = itemKey(item);
        const known = items.get(key);
        if (known === undefined) items.set(key, { ...item, runs });
        else known.runs += runs;
      }
    return { items: [...items.values()].sort(compareItems), omitted };
  }

  /**
   * Returns the values of chosen items, by their positions; undefined if the index is not the one that was read before.
   * @param keys position of each chosen item by its key.
   */
  async #collect(
    { indexed, read }: Sorted,
    keys: ReadonlyMap<string, number>,
  ): Promise<Series["values"][] | undefined> {
    const all = Array.from(keys, (): Series["values"] => []);
    const known = new Map<readonly ResultItem[], Chosen>();
    const chosenIn = (list: readonly ResultItem[]): Chosen => {
      const before = known.get(list);
      if (before !== undefined) return before;
      const found: Chosen = { indices: [], positions: [] };
      list.forEach((item, index) => {
        const position = keys.get(itemKey(item));
        if (position === undefined) return;
        found.indices.push(index);
        found.positions.push(position);
      });
      known.set(list, found);
      return found;
    };
    const indices = new Map(
      indexed.map((entry) => [entry.list, chosenIn(this.#index!.values.itemsOf(entry)).indices]),
    );
    const isWhole = await this.#index?.values.read(indexed, indices, (entry, values) => {
      const { positions } = chosenIn(this.#index!.values.itemsOf(entry));
      values.forEach((value, at) => all[positions[at]!]!.push([entry.runNumber, value]));
    });
    if (isWhole === false && indexed.length > 0) return undefined;
    for (const { runNumber, values } of read) {
      const { indices: own, positions } = chosenIn(values.items);
      own.forEach((index, at) => all[positions[at]!]!.push([runNumber, values.values[index]!]));
    }
    return all;
  }
}

/** The chosen items of a list: their indices in it, and their positions among the chosen ones. */
interface Chosen {
  indices: number[];
  positions: number[];
}

function compareItems(a: ResultItem, b: ResultItem): number {
  return compareTexts(a.module, b.module) || compareTexts(a.name, b.name) || compareTexts(a.kind, b.kind);
}
