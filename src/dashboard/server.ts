import { Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { timeout } from "hono/timeout";
import { watchQueue } from "../queue/watch.ts";
import type { QueueConnection } from "../queue/names.ts";
import { apiRoutes, type ApiOptions } from "./api.ts";
import { openBoard } from "./board.ts";
import { Campaigns } from "./campaigns.ts";
import { errorResponse } from "./error-response.ts";
import { listen } from "./listen.ts";
import { pageRoutes } from "./page-routes.ts";

export interface DashboardOptions extends ApiOptions {
  connection: QueueConnection;
  /** 0 for any free port. */
  port: number;
  /** Address to listen at; both loopback addresses by default. */
  host?: string;
}

/** Maximum size of a request: it may name 100,000 runs one by one. */
const MOST_BODY_BYTES = 1_000_000;
/** BullMQ waits for an unreachable Redis without a limit; requests from a browser must not. */
const BOARD_TIMEOUT_MS = 10_000;

export interface Dashboard extends AsyncDisposable {
  port: number;
  /** Host name for URLs: `localhost`, or the only loopback address that this machine has. */
  host: string;
}

/**
 * Starts the dashboard's server: the campaigns, and bull-board for the two queues at `/queues`.
 * @throws {PortTaken} if the port is in use.
 */
export async function openDashboard(options: DashboardOptions): Promise<Dashboard> {
  const queue = watchQueue(options.connection);
  const board = openBoard(options.connection, queue, options.onError);
  const campaigns = new Campaigns(queue, options.sources, { onError: options.onError });
  const app = new Hono();
  app.onError((error, context) => errorResponse(error, context, options.onError));
  app.use(
    sameHost,
    securityHeaders,
    bodyLimit({
      maxSize: MOST_BODY_BYTES,
      onError: (context) => context.json({ error: "the request is too large" }, 413),
    }),
  );
  app.route("/api", apiRoutes(campaigns, queue, options));
  app.get("/queues/", (context) => context.redirect("/queues"));
  app.use(
    "/queues/api/*",
    timeout(
      BOARD_TIMEOUT_MS,
      () => new HTTPException(503, { message: "the queue of the swarm is not responding" }),
    ),
  );
  app.route("/queues", board.routes);
  app.route("/", pageRoutes());
  try {
    const listening = await listen(app, options.port, options.host);
    return {
      port: listening.port,
      host: listening.host,
      async [Symbol.asyncDispose]() {
        await listening[Symbol.asyncDispose]();
        queue[Symbol.dispose]();
        await board[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    queue[Symbol.dispose]();
    await board[Symbol.asyncDispose]();
    throw error;
  }
}

const OWN_NAMES = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Rejects other host names, so that a site whose name resolves to this machine (DNS rebinding) has no access. */
const sameHost: MiddlewareHandler = async (context, next) => {
  const name = (context.req.header("host") ?? "").replace(/:\d+$/, "");
  if (!OWN_NAMES.has(name))
    return context.json({ error: `this dashboard is at localhost, not ${name}` }, 403);
  return await next();
};

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:";
const BOARD_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; script-src 'self' 'unsafe-inline'";

export const securityHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  const policy = context.req.path.startsWith("/queues") ? BOARD_POLICY : POLICY;
  context.res.headers.set("Content-Security-Policy", `${policy}; frame-ancestors 'none'; base-uri 'self'`);
  context.res.headers.set("X-Content-Type-Options", "nosniff");
  context.res.headers.set("Referrer-Policy", "no-referrer");
};
