import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { vi } from "vitest";
import { planCampaign } from "../../src/campaign/plan/plan.ts";
import { runCampaign } from "../../src/campaign/run/run-campaign.ts";
import type { CampaignEvent } from "../../src/model/events.ts";
import { socketConnection } from "../../src/queue/names.ts";
import { openStores } from "../../src/stores/open-stores.ts";
import { startMongo, type MongoServer } from "./mongo.ts";
import { startRedis } from "./redis.ts";
import { WORKER } from "./swarm.ts";
import { newUser, STAND_IN } from "./tool.ts";

/** A swarm whose only worker has nothing of the client's disk: it behaves like one on another machine. */
export interface OtherMachine extends AsyncDisposable {
  mongo: MongoServer;
  /** The worker's own folder. */
  home: string;
  /** The folder in which the worker keeps sources, builds and working trees. */
  cache: string;
  /** Executes run 0 of a config in a study. @returns the events on the way. */
  campaign(study: string, config: string, options?: CampaignOptions): Promise<CampaignEvent[]>;
  endWorker(): Promise<void>;
  startWorker(): void;
}

export interface CampaignOptions {
  commit?: string;
  rerun?: boolean;
  environment?: Record<string, string>;
  onEvent?: (event: CampaignEvent) => Promise<void>;
}

export async function startOtherMachine(): Promise<OtherMachine> {
  const [mongo, redis, user] = await Promise.all([startMongo(), startRedis(), newUser()]);
  vi.stubEnv("PATH", `${STAND_IN}${path.delimiter}${process.env["PATH"]!}`);
  vi.stubEnv("XDG_CACHE_HOME", path.join(user.directory, "cache"));
  const there = path.join(user.directory, "there");
  let endWorker: () => Promise<void>;
  const startWorker = (): void => {
    const folders = ["--directory", there, "--builds", path.join(there, "builds")];
    const worker = user.adopt(
      spawn(process.execPath, [WORKER, "all", "--redis", redis.socket, ...folders], {
        env: { ...user.env, MONGO_URL: mongo.url, THERE: "1", THEIR_TOKEN: "secret" },
        stdio: ["ignore", "ignore", "inherit"],
      }),
    );
    const ended = once(worker, "close");
    endWorker = async () => {
      worker.kill("SIGTERM");
      await ended;
    };
  };
  startWorker();
  return {
    mongo,
    home: user.directory,
    cache: there,
    async campaign(study, config, { commit, rerun = false, environment, onEvent } = {}) {
      await using stores = await openStores({
        builds: path.join(user.directory, "client-builds"),
        mongo: { url: mongo.url, onWaiting: () => undefined },
      });
      const what = ["-c", config, "-r", "0"];
      await using plan = await planCampaign({
        directory: study,
        commit,
        program: undefined,
        environment,
        arguments: what,
      });
      const swarm = { queue: socketConnection(redis.socket), ...stores };
      const events: CampaignEvent[] = [];
      const how = { retries: 3, stopOnError: false, detach: false, rerun };
      for await (const event of runCampaign(plan, swarm, new AbortController().signal, how)) {
        events.push(event);
        await onEvent?.(event);
      }
      return events;
    },
    endWorker: () => endWorker(),
    startWorker,
    async [Symbol.asyncDispose]() {
      await endWorker();
      vi.unstubAllEnvs();
      for (const each of [user, redis, mongo]) await each[Symbol.asyncDispose]();
    },
  };
}

export type Sent = Extract<CampaignEvent, { type: "sent" }>;

/** What was sent to the swarm; undefined if nothing was. */
export function sentOf(events: readonly CampaignEvent[]): Sent | undefined {
  return events.find((event): event is Sent => event.type === "sent");
}

/** How many runs have completed at the end. */
export function doneOf(events: readonly CampaignEvent[]): number | undefined {
  return events.flatMap((event) => (event.type === "ended" ? [event.summary.states.done] : []))[0];
}
