import { Hono, type Context } from "hono";
import { UserError } from "../errors.ts";
import { namePattern } from "../model/name-pattern.ts";
import type { QueueWatch } from "../queue/watch.ts";
import type { CampaignView } from "./campaign-view.ts";
import type { Campaigns } from "./campaigns.ts";
import { OVERS, type Over } from "./combine.ts";
import type { LiveAnswer } from "./live.ts";
import { CampaignResults } from "./results.ts";
import type { DashboardSources } from "./sources.ts";
import { Turns } from "./turns.ts";

const LONGEST_PATTERN = 1000;

/** Returns the routes of the API for the numbers that runs have recorded. */
export function resultsRoutes(
  campaigns: Campaigns,
  queue: QueueWatch,
  live: LiveAnswer,
  { sources, onError }: { sources: DashboardSources; onError: (error: Error) => void },
): Hono {
  const app = new Hono();
  const known = new WeakMap<CampaignView, CampaignResults>();
  const turns = new Turns(2);
  const resultsOf = async (id: string): Promise<CampaignResults> => {
    const view = await campaigns.view(id);
    const results = known.get(view) ?? new CampaignResults(view, queue, sources, onError);
    known.set(view, results);
    return results;
  };
  /** Answers a request; a live one only if anything has changed. */
  const answer = (
    context: Context<object, "/campaigns/:id">,
    ask: (results: CampaignResults) => Promise<unknown>,
  ): Promise<Response> => {
    let last: { results: CampaignResults; version: number; text: string } | undefined;
    return live(context, async () => {
      const results = await resultsOf(context.req.param("id"));
      const version = await results.refresh();
      if (last?.results === results && last.version === version) return last.text;
      const text = await turns.take(async () => JSON.stringify(await ask(results)));
      last = { results, version, text };
      return text;
    });
  };

  app.get("/campaigns/:id/results", (context) =>
    answer(context, (results) => {
      const { items, ...list } = results.list();
      const rows = items.map(({ module, name, unit, kind }) => [module, name, unit, kind]);
      return Promise.resolve({ ...list, items: rows });
    }),
  );
  app.get("/campaigns/:id/values", (context) => {
    const pattern = context.req.query("pattern") ?? "";
    if (pattern === "" || pattern.length > LONGEST_PATTERN)
      throw new UserError("pattern is missing or too long", {
        hint: "name a scalar, as in ?pattern=**.delay:mean",
      });
    const matches = namePattern(pattern);
    const over = overIn(context.req.query("over"));
    return answer(context, async (results) => {
      const { series, ...rest } = await results.values(matches, over);
      const sent = series.map((each) => ({
        ...each,
        values: each.values.map(([run, value]) => [run, Number.isFinite(value) ? value : String(value)]),
      }));
      return { series: sent, ...rest };
    });
  });
  return app;
}

function overIn(text: string | undefined): Over | undefined {
  if (text === undefined || text === "") return undefined;
  const over = OVERS.find((each) => each === text);
  if (over === undefined)
    throw new UserError(`over=${text} is unknown`, { hint: `choose one of ${OVERS.join(", ")}` });
  return over;
}
