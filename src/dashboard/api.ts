import { createHash, timingSafeEqual } from "node:crypto";
import { Hono, type Context } from "hono";
import { streamSSE } from "hono/streaming";
import { errorText, UserError } from "../errors.ts";
import type { QueueWatch } from "../queue/watch.ts";
import { UnknownCampaign, type Campaigns } from "./campaigns.ts";
import { outputOf } from "./output.ts";
import { asArray, COLUMNS } from "./row.ts";
import { scalarNames, scalarValues } from "./scalars.ts";
import type { DashboardOptions } from "./server.ts";
import { summarize } from "./summary.ts";

/** How often a live page is told what is new. */
const LIVE_MS = 1000;

/** What the page asks for. Everybody on this machine may look; changing something needs the token. */
export function apiRoutes(
  campaigns: Campaigns,
  queue: QueueWatch,
  { sources, token, onError }: Pick<DashboardOptions, "sources" | "token" | "onError">,
): Hono {
  const app = new Hono();
  app.onError((error, context) => problem(error, context, onError));

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
  app.get("/campaigns/:id/scalars", async (context) => {
    const view = await campaigns.view(context.req.param("id"));
    const name = context.req.query("name");
    return context.json(
      name === undefined ? await scalarNames(view, sources) : await scalarValues(view, name, sources),
    );
  });
  app.get("/campaigns/:id/runs/:run/output", async (context) => {
    const view = await campaigns.view(context.req.param("id"));
    const text = await outputOf(view.campaign, Number(context.req.param("run")), queue, sources);
    return context.text(text);
  });
  app.post("/campaigns/:id/:deed{cancel|retry}", async (context) => {
    const given = context.req.header("authorization")?.replace(/^Bearer /, "") ?? "";
    if (!isSame(given, token)) return context.json({ error: "the token is missing or wrong" }, 403);
    const { id, deed } = context.req.param();
    const runs = await (deed === "cancel" ? sources.cancel(id) : sources.retry(id));
    campaigns.forget(id);
    return context.json({ runs });
  });
  return app;
}

/** One answer, or, for an `EventSource`, one each time that something has changed. */
async function live(context: Context, ask: () => Promise<string>): Promise<Response> {
  const first = await ask();
  if (!(context.req.header("accept") ?? "").includes("text/event-stream"))
    return context.body(first, 200, { "Content-Type": "application/json" });
  return streamSSE(context, async (stream) => {
    let told: string | undefined;
    for (let text = first; !stream.aborted; text = await ask().catch(asEvent)) {
      if (text !== told) await stream.writeSSE({ data: text });
      told = text;
      await stream.sleep(LIVE_MS);
    }
  });
}

function asEvent(error: unknown): string {
  return JSON.stringify({ error: errorText(error) });
}

function problem(error: Error, context: Context, onError: (error: Error) => void): Response {
  if (error instanceof UnknownCampaign) return context.json({ error: error.message }, 404);
  if (error instanceof UserError) return context.json({ error: error.message }, 409);
  onError(error);
  return context.json({ error: "this is a bug; the dashboard's log has more" }, 500);
}

/** In a time that does not tell how much of it is right. */
function isSame(given: string, wanted: string): boolean {
  const [a, b] = [given, wanted].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(a!, b!);
}
