import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { HonoAdapter } from "@bull-board/hono";
import { serveStatic } from "@hono/node-server/serve-static";
import { Queue, type Job, type JobType } from "bullmq";
import { Hono, type MiddlewareHandler } from "hono";
import type { BuildRequest } from "../model/build.ts";
import { BUILD_QUEUE, RUN_QUEUE, type QueueConnection } from "../queue/names.ts";
import type { QueueWatch } from "../queue/watch.ts";
import { installedFile } from "../system/installation.ts";

/** Maximum number of jobs per page. */
const MAX_JOBS = 100;

/** Limits the number and size of the jobs that are read: any user of the queue can add jobs of any size. */
class BoundedAdapter extends BullMQAdapter {
  readonly #queue: Queue;
  readonly #watch: QueueWatch;

  constructor(queue: Queue, watch: QueueWatch) {
    super(queue, { readOnlyMode: true });
    this.#queue = queue;
    this.#watch = watch;
  }

  override async getJobs(
    states: Parameters<BullMQAdapter["getJobs"]>[0],
    start = 0,
    end = MAX_JOBS,
  ): Promise<Job[]> {
    const last = Math.min(end, start + MAX_JOBS - 1);
    const ids = await this.#queue.getRanges(states as JobType[], start, last);
    const small = await this.#watch.smallJobs(this.#queue.name, ids);
    const jobs = await Promise.allSettled(small.map((id) => this.#queue.getJob(id)));
    return jobs.flatMap((job) => (job.status === "fulfilled" && job.value) || []); // omits only damaged jobs
  }

  override async getJob(id: string): Promise<Job | undefined> {
    const [small] = await this.#watch.smallJobs(this.#queue.name, [id]);
    return small === undefined ? undefined : await this.#queue.getJob(id);
  }
}

/** Returns an adapter that does not show the environment of clients, which may contain secrets. */
function adapterFor(queue: Queue, watch: QueueWatch): BullMQAdapter {
  const adapter = new BoundedAdapter(queue, watch);
  adapter.setFormatter("data", (data: Partial<BuildRequest> | null): object => {
    const { clientEnvironment: _, ...shown } = data ?? {};
    return shown;
  });
  return adapter;
}

/** A bar below bull-board's page, with a style of its own, because the page's stylesheet is bull-board's. */
const BAR = `
<style>
  body { padding-bottom: 3rem; }
  #back-to-dashboard { position: fixed; z-index: 100; right: 0; bottom: 0; left: 0; padding: 0.4rem 1rem; text-align: center;
    font: 0.85rem system-ui, sans-serif; color: #1f2933; background: #eef2f6; border-top: 1px solid #b8c2cc; }
  #back-to-dashboard a { color: #0b5cad; }
</style>
<div id="back-to-dashboard" role="note"><a href="/">← Campaigns</a> ·
A job is <i>completed</i> when its run has ended in any way: a run that failed is among the completed jobs, with its
outcome in the return value. <i>Failed</i> is empty unless a worker could not answer.</div>
`;

/** Adds the bar to bull-board's page. */
const addBar: MiddlewareHandler = async (context, next) => {
  await next();
  if (!(context.res.headers.get("Content-Type") ?? "").startsWith("text/html")) return;
  const html = await context.res.text();
  context.res = new Response(html.replace("</body>", `${BAR}</body>`), context.res);
};

/** Opens bull-board, which shows single jobs. It is read-only, because removing a job would lose a run. */
export function openBoard(
  connection: QueueConnection,
  watch: QueueWatch,
  onError: (error: Error) => void,
): { routes: Hono } & AsyncDisposable {
  const queues = [RUN_QUEUE, BUILD_QUEUE].map((name) => new Queue(name, { connection }));
  for (const queue of queues) queue.on("error", onError);
  const serverAdapter = new HonoAdapter(serveStatic);
  serverAdapter.setBasePath("/queues");
  createBullBoard({
    queues: queues.map((queue) => adapterFor(queue, watch)),
    serverAdapter,
    options: {
      uiBasePath: installedFile("dist/bull-board"), // scripts/build.js copies its page there
      uiConfig: { boardTitle: "queues", miscLinks: [{ text: "Campaigns", url: "/" }] },
    },
  });
  const routes = new Hono();
  routes.use(addBar);
  routes.route("/", serverAdapter.registerPlugin());
  return {
    routes,
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(queues.map((queue) => queue.close()));
    },
  };
}
