import { chunks } from "../queue/campaign-list.ts";
import type { CampaignView } from "./campaign-view.ts";
import type { Row } from "./row.ts";
import { readScalarFile } from "../omnetpp/scalar-file.ts";
import type { DashboardSources } from "./sources.ts";

/** A scalar in a file; its name is `module name`. */
type Scalar = [name: string, value: number];

const CONCURRENT_FILES = 16;
/** Number of files from which names are read: all runs of a config record nearly the same scalars. */
const FILES_FOR_NAMES = 3;
/** Maximum number of names: a file may have any number, but users cannot choose from more. */
const MAX_NAMES = 10_000;
const LONGEST_NAME = 1000;
/** Number of scalars whose values are cached. */
const CACHED_SCALARS = 4;

interface CachedValue {
  /** End time of the run from whose file the value was read: it differs after a rerun. */
  finishedAt: number | undefined;
  value: number | undefined;
}

/** The scalars in a campaign's files. Values are cached, because a live page requests them repeatedly. */
export class Scalars {
  readonly #view: CampaignView;
  readonly #sources: DashboardSources;
  /** By scalar name, least recently requested first, and run number. */
  readonly #cached = new Map<string, Map<number, CachedValue>>();

  constructor(view: CampaignView, sources: DashboardSources) {
    this.#view = view;
    this.#sources = sources;
  }

  /** Returns the names of the scalars in the files, as `module name`. */
  async names(): Promise<string[]> {
    const names = new Set<string>();
    for (const row of this.#rows().slice(0, FILES_FOR_NAMES)) {
      for await (const [name] of scalarsIn(this.#view, row, this.#sources)) {
        if (name.length <= LONGEST_NAME) names.add(name);
        if (names.size === MAX_NAMES) break;
      }
    }
    return [...names].sort();
  }

  /**
   * Returns the value of one scalar in every run that records it, by run number.
   * @param signal aborted when the client has disconnected.
   */
  async values(name: string, signal?: AbortSignal): Promise<[runNumber: number, value: number][]> {
    const cached = this.#cachedValues(name);
    const rows = this.#rows();
    const unread = rows.filter((row) => cached.get(row.runNumber)?.finishedAt !== row.finishedAt);
    for (const some of chunks(unread, CONCURRENT_FILES)) {
      signal?.throwIfAborted();
      const found = await Promise.all(some.map((row) => valueIn(this.#view, row, name, this.#sources)));
      some.forEach(({ runNumber, finishedAt }, index) =>
        cached.set(runNumber, { finishedAt, value: found[index] }),
      );
    }
    return rows.flatMap(({ runNumber }) => {
      const value = cached.get(runNumber)?.value;
      return value === undefined ? [] : [[runNumber, value]];
    });
  }

  #cachedValues(name: string): Map<number, CachedValue> {
    const cached = this.#cached.get(name) ?? new Map<number, CachedValue>();
    this.#cached.delete(name);
    this.#cached.set(name, cached);
    const [oldest] = this.#cached.keys();
    if (this.#cached.size > CACHED_SCALARS) this.#cached.delete(oldest!);
    return cached;
  }

  #rows(): Row[] {
    return [...this.#view.rows.values()].filter(({ scalars }) => scalars !== undefined);
  }
}

async function valueIn(
  view: CampaignView,
  row: Row,
  wanted: string,
  sources: DashboardSources,
): Promise<number | undefined> {
  for await (const [name, value] of scalarsIn(view, row, sources)) if (name === wanted) return value;
  return undefined;
}

async function* scalarsIn(
  { campaign }: CampaignView,
  { scalars }: Row,
  sources: DashboardSources,
): AsyncGenerator<Scalar> {
  const file = scalars === undefined ? undefined : await sources.resultFile(campaign, scalars);
  const { items, values } = (file === undefined ? undefined : await readScalarFile(file)) ?? {
    items: [],
    values: [],
  };
  for (const [index, { kind, module, name }] of items.entries())
    if (kind === "scalar" && !Number.isNaN(values[index])) yield [`${module} ${name}`, values[index]!];
}
