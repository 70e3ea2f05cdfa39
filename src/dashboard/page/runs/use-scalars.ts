import { useEffect } from "preact/hooks";
import { endedRuns, type CampaignData } from "../campaign-data.ts";
import type { ValuesAnswer } from "../results/items.ts";
import { usePolled } from "../results/polled.ts";
import { scalarPatterns } from "./scalar-patterns.ts";

/** What is missing in the columns of scalars. */
export interface ScalarStatus {
  /** Why the values are not up to date. */
  failure: string;
  isLoading: boolean;
  /** Number of ended runs whose files are still to be read. */
  unread: number;
  /** Patterns that match nothing in the runs that have ended. */
  unmatched: string[];
}

/** Keeps the values of the chosen scalars up to date, for the table and for the query. */
export function useScalars(campaign: CampaignData): ScalarStatus {
  const patterns = scalarPatterns.value;
  const paths = patterns.map(
    (pattern) => `${campaign.path}/values?over=mean&pattern=${encodeURIComponent(pattern)}`,
  );
  const { answers, failure } = usePolled<ValuesAnswer>(paths, endedRuns(campaign));
  const all = answers.value;
  const isLoading = patterns.length > 0 && all?.length !== patterns.length;
  useEffect(() => {
    if (!isLoading)
      campaign.scalarAnswers.value = new Map(patterns.map((pattern, index) => [pattern, all![index]!]));
  }, [all, isLoading]);
  return {
    failure: patterns.length === 0 ? "" : failure.value,
    isLoading,
    unread: isLoading ? 0 : Math.max(0, ...(all ?? []).map(({ unread }) => unread)),
    unmatched: isLoading ? [] : patterns.filter((_, index) => all?.[index]?.series.length === 0),
  };
}
