import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { HonoAdapter } from "@bull-board/hono";
import { serveStatic } from "@hono/node-server/serve-static";
import { Queue } from "bullmq";
import type { Hono } from "hono";
import { createRequire } from "node:module";
import path from "node:path";
import type { BuildRequest } from "../model/build.ts";
import { BUILD_QUEUE, RUN_QUEUE, type QueueConnection } from "../queue/names.ts";

/** What a user has in the environment is not for whoever looks at the board. */
function adapterFor(queue: Queue): BullMQAdapter {
  const adapter = new BullMQAdapter(queue, { readOnlyMode: true });
  adapter.setFormatter("data", (data: Partial<BuildRequest>): object => {
    const { clientEnvironment: _, ...shown } = data;
    return shown;
  });
  return adapter;
}

/** bull-board, to look at single jobs. It changes nothing: a job that is removed there would be a run lost. */
export function openBoard(
  connection: QueueConnection,
  onError: (error: Error) => void,
): { routes: Hono } & AsyncDisposable {
  const queues = [RUN_QUEUE, BUILD_QUEUE].map((name) => new Queue(name, { connection }));
  for (const queue of queues) queue.on("error", onError);
  const serverAdapter = new HonoAdapter(serveStatic);
  serverAdapter.setBasePath("/queues");
  createBullBoard({
    queues: queues.map(adapterFor),
    serverAdapter,
    options: {
      uiBasePath: path.dirname(createRequire(import.meta.url).resolve("@bull-board/ui/package.json")),
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
