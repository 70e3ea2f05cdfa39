import { chunks } from "../queue/campaign-list.ts";
import type { CampaignView } from "./campaign-view.ts";
import type { Row } from "./row.ts";
import { scalarsOf, type Scalar } from "../omnetpp/scalar-file.ts";
import type { DashboardSources } from "./sources.ts";

const FILES_AT_ONCE = 16;
/** Names are those of the first files that are there; all runs of a config record more or less the same. */
const FILES_FOR_NAMES = 3;
/** Nobody chooses from more of them, and a file may have any number. */
const MOST_NAMES = 10_000;
const LONGEST_NAME = 1000;
/** Scalars whose values are kept. */
const KEPT_NAMES = 4;

interface Value {
  /** When the run ended: one that was made again has another file. */
  of: number | undefined;
  value: number | undefined;
}

/** The scalars of a campaign's files. A live page asks again and again, so a file is read once for a scalar. */
export class Scalars {
  readonly #view: CampaignView;
  readonly #sources: DashboardSources;
  /** By name of the scalar and run number; what was asked for last stands last. */
  readonly #known = new Map<string, Map<number, Value>>();

  constructor(view: CampaignView, sources: DashboardSources) {
    this.#view = view;
    this.#sources = sources;
  }

  /** What the files record, as `module name`. */
  async names(): Promise<string[]> {
    const names = new Set<string>();
    for (const row of this.#rows().slice(0, FILES_FOR_NAMES)) {
      for await (const [name] of scalarsIn(this.#view, row, this.#sources)) {
        if (name.length <= LONGEST_NAME) names.add(name);
        if (names.size === MOST_NAMES) break;
      }
    }
    return [...names].sort();
  }

  /**
   * The value of one scalar in every run that records it, by run number.
   * @param signal nobody waits for the answer any more.
   */
  async values(name: string, signal?: AbortSignal): Promise<[runNumber: number, value: number][]> {
    const known = this.#knownOf(name);
    const rows = this.#rows();
    const unread = rows.filter((row) => known.get(row.runNumber)?.of !== row.finishedAt);
    for (const some of chunks(unread, FILES_AT_ONCE)) {
      signal?.throwIfAborted();
      const found = await Promise.all(some.map((row) => valueIn(this.#view, row, name, this.#sources)));
      some.forEach(({ runNumber, finishedAt }, index) =>
        known.set(runNumber, { of: finishedAt, value: found[index] }),
      );
    }
    return rows.flatMap(({ runNumber }) => {
      const value = known.get(runNumber)?.value;
      return value === undefined ? [] : [[runNumber, value]];
    });
  }

  #knownOf(name: string): Map<number, Value> {
    const known = this.#known.get(name) ?? new Map<number, Value>();
    this.#known.delete(name);
    this.#known.set(name, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > KEPT_NAMES) this.#known.delete(oldest!);
    return known;
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
  if (file !== undefined) yield* scalarsOf(file);
}
