import { createHash, timingSafeEqual } from "node:crypto";
import { Hono, type Context } from "hono";
import { UserError } from "../errors.ts";
import { wholeNumberIn } from "../model/whole-number.ts";
import type { QueueWatch } from "../queue/watch.ts";
import type { Campaigns } from "./campaigns.ts";
import { errorResponse } from "./error-response.ts";
import { liveAnswers } from "./live.ts";
import { outputOf } from "./output.ts";
import { resultsRoutes } from "./results-routes.ts";
import { asArray, COLUMNS } from "./row.ts";
import type { DashboardSources } from "./sources.ts";
import { summarize } from "./summary.ts";
import { Turns } from "./turns.ts";

export interface ApiOptions {
  sources: DashboardSources;
  /** Secret that a request must contain to cancel or retry runs. */
  token: string;
  onError: (error: Error) => void;
}

const TOKEN_HINT = "open the address that this command prints: swarm-tool dashboard";

/** Returns the routes of the dashboard's API. Reading is open to every user of this machine; changes need the token. */
export function apiRoutes(
  campaigns: Campaigns,
  queue: QueueWatch,
  { sources, token, onError }: ApiOptions,
): Hono {
  const app = new Hono();
  const turns = new Turns(4);
  const live = liveAnswers(onError);
  app.onError((error, context) => errorResponse(error, context, onError));

  app.get("/campaigns", (context) => live(context, async () => JSON.stringify(await campaigns.overview())));
  app.get("/swarm", (context) => live(context, async () => JSON.stringify(await campaigns.swarm())));
  app.get("/session", (context) =>
    hasToken(context, token) ? context.json({ actions: true }) : refuseToken(context),
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
  app.route("/", resultsRoutes(campaigns, queue, live, { sources, onError }));
  app.get("/campaigns/:id/runs/:run/output", async (context) => {
    const view = await campaigns.view(context.req.param("id"));
    const run = wholeNumberIn(context.req.param("run"));
    if (run === undefined) throw new UserError("no such run");
    const ask = (): Promise<string> => outputOf(view.campaign, run, queue, sources);
    return context.text(await turns.take(ask));
  });
  app.post("/campaigns/:id/:action{cancel|retry}", async (context) => {
    if (!hasToken(context, token)) return refuseToken(context);
    const { id, action } = context.req.param();
    const runs = await (action === "cancel" ? sources.cancel(id) : sources.retry(id));
    campaigns.forget(id);
    return context.json({ runs });
  });
  app.all("*", (context) => context.json({ error: `no such address: ${context.req.path}` }, 404));
  return app;
}

/** Returns whether a request contains the token. */
function hasToken(context: Context, token: string): boolean {
  return isSame(context.req.header("authorization")?.replace(/^Bearer /, "") ?? "", token);
}

function refuseToken(context: Context): Response {
  return context.json({ error: "the token is missing or wrong", hint: TOKEN_HINT }, 403);
}

/** Compares two secrets in constant time. */
function isSame(given: string, wanted: string): boolean {
  const [a, b] = [given, wanted].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(a!, b!);
}
