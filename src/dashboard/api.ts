import { createHash, timingSafeEqual } from "node:crypto";
import { Hono, type Context } from "hono";
import { UserError } from "../errors.ts";
import { wholeNumberIn } from "../model/whole-number.ts";
import type { QueueWatch } from "../queue/watch.ts";
import type { CampaignView } from "./campaign-view.ts";
import { UnknownCampaign, type Campaigns } from "./campaigns.ts";
import { liveAnswers, messageWithHint } from "./live.ts";
import { outputOf } from "./output.ts";
import { resultsRoutes } from "./results-routes.ts";
import { asArray, COLUMNS } from "./row.ts";
import { Scalars } from "./scalars.ts";
import type { DashboardSources } from "./sources.ts";
import { summarize } from "./summary.ts";
import { Busy, Turns } from "./turns.ts";

export interface ApiOptions {
  sources: DashboardSources;
  /** Secret that a request must contain to cancel or retry runs. */
  token: string;
  onError: (error: Error) => void;
}

/** Returns the routes of the dashboard's API. Reading is open to every user of this machine; changes need the token. */
export function apiRoutes(
  campaigns: Campaigns,
  queue: QueueWatch,
  { sources, token, onError }: ApiOptions,
): Hono {
  const app = new Hono();
  const allScalars = new WeakMap<CampaignView, Scalars>();
  const turns = { scalars: new Turns(1), outputs: new Turns(4) };
  const live = liveAnswers(onError);
  app.onError((error, context) => errorResponse(error, context, onError));

  app.get("/campaigns", (context) =>
    live(context, async () => JSON.stringify({ campaigns: await campaigns.overview() })),
  );
  app.get("/campaigns/:id", (context) => {
    let seen = 0;
    return live(context, async () => {
      const view = await campaigns.view(context.req.param("id"));
      const rows = view.changedSince(seen);
      seen = view.version;
      const facts = { summary: summarize(view), variables: view.variables, columns: COLUMNS };
      return JSON.stringify({ ...facts, rows: rows.map(asArray) });
    });
  });
  app.route("/", resultsRoutes(campaigns, queue, live, { sources, onError }));
  app.get("/campaigns/:id/scalars", async (context) => {
    const view = await campaigns.view(context.req.param("id"));
    const scalars = allScalars.get(view) ?? new Scalars(view, sources);
    allScalars.set(view, scalars);
    const name = context.req.query("name");
    const { signal } = context.req.raw;
    return await turns.scalars.take(async () =>
      context.json(name === undefined ? await scalars.names() : await scalars.values(name, signal)),
    );
  });
  app.get("/campaigns/:id/runs/:run/output", async (context) => {
    const view = await campaigns.view(context.req.param("id"));
    const run = wholeNumberIn(context.req.param("run"));
    if (run === undefined) throw new UserError("no such run");
    const ask = (): Promise<string> => outputOf(view.campaign, run, queue, sources);
    return context.text(await turns.outputs.take(ask));
  });
  app.post("/campaigns/:id/:action{cancel|retry}", async (context) => {
    const given = context.req.header("authorization")?.replace(/^Bearer /, "") ?? "";
    if (!isSame(given, token)) return context.json({ error: "the token is missing or wrong" }, 403);
    const { id, action } = context.req.param();
    const runs = await (action === "cancel" ? sources.cancel(id) : sources.retry(id));
    campaigns.forget(id);
    return context.json({ runs });
  });
  return app;
}

function errorResponse(error: Error, context: Context, onError: (error: Error) => void): Response {
  if (error instanceof UserError) return context.json({ error: messageWithHint(error) }, statusOf(error));
  if (context.req.raw.signal.aborted) return context.body(null, 400); // the client has disconnected
  onError(error);
  return context.json({ error: "this is a bug; see the dashboard's log" }, 500);
}

function statusOf(error: UserError): 404 | 409 | 503 {
  if (error instanceof UnknownCampaign) return 404;
  return error instanceof Busy ? 503 : 409;
}

/** Compares two secrets in constant time. */
function isSame(given: string, wanted: string): boolean {
  const [a, b] = [given, wanted].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(a!, b!);
}
