import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { HonoAdapter } from "@bull-board/hono";
import { serveStatic } from "@hono/node-server/serve-static";
import { Queue, type Job, type JobType } from "bullmq";
import type { Hono } from "hono";
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
  return {
    routes: serverAdapter.registerPlugin(),
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(queues.map((queue) => queue.close()));
    },
  };
}
