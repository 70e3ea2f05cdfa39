import { Hono, type Context } from "hono";
import * as v from "valibot";
import { UserError } from "../errors.ts";
import { parseRanges } from "../model/whole-number.ts";
import type { QueueWatch } from "../queue/watch.ts";
import { Access, PROTECTED } from "./access.ts";
import type { Campaigns } from "./campaigns.ts";
import { errorResponse } from "./error-response.ts";
import { liveAnswers } from "./live.ts";
import { resultsRoutes } from "./results-routes.ts";
import { asArray, COLUMNS } from "./row.ts";
import { runRoutes } from "./run-routes.ts";
import type { DashboardSources } from "./sources.ts";
import { summarize } from "./summary.ts";

export interface ApiOptions {
  sources: DashboardSources;
  /** Secret that a request must contain to read what runs have recorded and printed, and to cancel or retry them. */
  token: string;
  onError: (error: Error) => void;
}

const RetrySchema = v.pipe(v.string(), v.parseJson(), v.strictObject({ runs: v.string() }));
/** Number of runs that a request may name: more than any campaign has. */
const MOST_RUNS = 1_000_000;

/**
 * Returns the routes of the dashboard's API. Every user of this machine may see which runs there are and how they ended;
 * everything else needs the token.
 */
export function apiRoutes(
  campaigns: Campaigns,
  queue: QueueWatch,
  { sources, token, onError }: ApiOptions,
): Hono {
  const app = new Hono();
  const live = liveAnswers(onError);
  const access = new Access(token);
  app.onError((error, context) => errorResponse(error, context, onError));

  app.get("/campaigns", (context) => live(context, async () => JSON.stringify(await campaigns.overview())));
  app.get("/swarm", (context) => live(context, async () => JSON.stringify(await campaigns.swarm())));
  app.get("/session", (context) =>
    access.has(context) ? context.json({ actions: true }) : access.refuse(context),
  );
  app.get("/campaigns/:id", (context) => {
    let seen = 0;
    return live(context, async () => {
      const view = await campaigns.view(context.req.param("id"));
      const rows = view.changedSince(seen);
      seen = view.version;
      const { variables } = view;
      const facts = { swarm: campaigns.brief(), summary: summarize(view), variables, columns: COLUMNS };
      return JSON.stringify({ ...facts, rows: rows.map(asArray) });
    });
  });
  for (const address of PROTECTED) app.use(address, access.required);
  app.route("/", resultsRoutes(campaigns, queue, live, { sources, onError }));
  app.route("/", runRoutes(campaigns, queue, { sources, access, onError }));
  app.post("/campaigns/:id/:action{cancel|retry}", async (context) => {
    if (!access.has(context)) return access.refuse(context);
    const { id, action } = context.req.param();
    const only = action === "cancel" ? undefined : await chosenRuns(context);
    const runs = await (action === "cancel" ? sources.cancel(id) : sources.retry(id, only));
    campaigns.forget(id);
    return context.json({ runs });
  });
  app.all("*", (context) => context.json({ error: `no such address: ${context.req.path}` }, 404));
  return app;
}

/**
 * Returns the numbers of the runs that a request names, such as `{"runs":"0..3,8"}`; undefined if it names none.
 * @throws {UserError} if its content is anything else.
 */
async function chosenRuns(context: Context): Promise<number[] | undefined> {
  const text = await context.req.text();
  if (text === "") return undefined;
  const parsed = v.safeParse(RetrySchema, text);
  const runs = parsed.success ? parseRanges(parsed.output.runs, MOST_RUNS) : undefined;
  if (runs === undefined)
    throw new UserError('the request is malformed: it needs the numbers of runs, as in {"runs":"0..3,8"}');
  return runs;
}
