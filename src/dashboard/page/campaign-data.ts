import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { Summary } from "../../model/dashboard.ts";
import { rowsOf, type CampaignUpdate, type Row } from "./base/data.ts";
import { follow, now } from "./base/live.ts";
import { parameters, setParameters } from "./base/location.tsx";
import { noteSwarm } from "./swarm/brief.ts";
import type { ValuesAnswer } from "./results/items.ts";
import { scalarColumns, type ScalarColumn } from "./runs/scalar-columns.ts";
import { scalarPatterns } from "./runs/scalar-patterns.ts";
import { elapsedAt, fieldsOf, matcherOf, type Field } from "./runs/fields.ts";
import { parseQuery, type Query } from "./runs/query.ts";

/** A campaign with its runs, kept up to date, and the filter for them in the URL. */
export interface CampaignData {
  id: string;
  /** The campaign's path in the API. */
  path: string;
  summary: ReadonlySignal<Summary | undefined>;
  variables: ReadonlySignal<string[]>;
  /** All runs, in the order of their numbers. */
  rows: ReadonlySignal<readonly Row[]>;
  /** The scalars that are columns of the table, as the URL names them. */
  scalars: ReadonlySignal<ScalarColumn[]>;
  /** What the server has sent about them, by their patterns. */
  scalarAnswers: Signal<ReadonlyMap<string, ValuesAnswer>>;
  fields: ReadonlySignal<Map<string, Field>>;
  query: ReadonlySignal<Query>;
  /** The runs that match the query. */
  matching: ReadonlySignal<readonly Row[]>;
  /** Follows the campaign. Returns a function that stops. */
  open: () => () => void;
}

/** The text of the query. */
export const queryText = computed(() => parameters.value.get("q") ?? "");

/** @param options.push whether the browser's back button undoes the change. */
export function setQuery(text: string, options: { push?: boolean } = {}): void {
  setParameters({ q: text }, options);
}

/** Returns the data of a campaign, which are empty until it is opened. */
export function campaignData(id: string): CampaignData {
  const path = `/api/campaigns/${encodeURIComponent(id)}`;
  const summary = signal<Summary | undefined>(undefined);
  const variables = signal<string[]>([]);
  const rows = signal<readonly Row[]>([]);
  const scalarAnswers = signal<ReadonlyMap<string, ValuesAnswer>>(new Map());
  const scalars = computed(() => scalarColumns(scalarPatterns.value, scalarAnswers.value, variables.value));
  const fields = computed(() =>
    fieldsOf(variables.value, (row) => elapsedAt(now.peek())(row), scalars.value),
  );
  const query = computed(() => parseQuery(queryText.value, new Set(fields.value.keys())));
  const matching = computed(() =>
    query.value.terms.length === 0
      ? rows.value
      : rows.value.filter(matcherOf(query.value, fields.value, variables.value)),
  );
  const open = (): (() => void) => {
    let known = new Map<number, Row>();
    return follow(path, (answer, isFirst) => {
      const update = answer as CampaignUpdate;
      if (isFirst) known = new Map();
      noteSwarm(update.swarm);
      summary.value = update.summary;
      if (update.variables.join("\0") !== variables.value.join("\0")) variables.value = update.variables;
      const changed = rowsOf(update);
      for (const row of changed) known.set(row.runNumber, row);
      if (isFirst || changed.length > 0)
        rows.value = [...known.values()].sort((a, b) => a.runNumber - b.runNumber);
    });
  };
  return { id, path, summary, variables, rows, scalars, scalarAnswers, fields, query, matching, open };
}

/** Returns a text that changes when more runs have ended. */
export function endedRuns({ summary }: CampaignData): string {
  const { queued: _, running: __, ...ended } = summary.value?.states ?? {};
  return JSON.stringify(ended);
}
