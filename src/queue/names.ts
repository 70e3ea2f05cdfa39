import type { RedisOptions } from "ioredis";
import { OwnSocketConnector } from "./own-socket-connector.ts";

/** How to reach the queue's Redis: a unix socket, or a host with a password. */
export interface QueueConnection {
  path?: string;
  /** Looks at each connection whose socket it is. */
  Connector?: NonNullable<RedisOptions["Connector"]>;
  /** Where the Redis at a socket has its data: another one is refused. */
  dataDirectory?: string;
  host?: string;
  port?: number;
  /** Number of the database; 0 if it is not given. */
  db?: number;
  username?: string;
  password?: string;
  /** BullMQ's workers wait for a lost connection as long as it takes. */
  maxRetriesPerRequest: null;
}

/** @param dataDirectory where its Redis keeps its data, if that is known. */
export function socketConnection(socket: string, dataDirectory?: string): QueueConnection {
  return {
    path: socket,
    Connector: OwnSocketConnector,
    ...(dataDirectory !== undefined && { dataDirectory }),
    maxRetriesPerRequest: null,
  };
}

export const RUN_QUEUE = "run";
export const BUILD_QUEUE = "build";

/** BullMQ refuses ids that are plain integers or contain a colon. */
export function buildJobId(key: string): string {
  return `b-${key}`;
}

export const campaignKey = (id: string): string => `swarm:campaign:${id}`;
/** A set of the numbers of the runs that have not been collected. */
export const openRunsKey = (id: string): string => `swarm:open:${id}`;
/** A hash of the collected runs that are not done, by their numbers: how each ended. */
export const statesKey = (id: string): string => `swarm:states:${id}`;
/** A hash of the runs that were cancelled before they started, by their numbers: there is no record of these. */
export const unstartedKey = (id: string): string => `swarm:unstarted:${id}`;
/** A hash of the runs whose record a later campaign has replaced, by their numbers: the id of that campaign. */
export const supersededKey = (id: string): string => `swarm:superseded:${id}`;
/** All campaigns, by the time when they were queued. */
export const CAMPAIGNS_KEY = "swarm:campaigns";
export const cancelKey = (id: string): string => `swarm:cancelled:${id}`;
export const CANCEL_CHANNEL = "swarm:cancel";

/** Kept this long after a campaign was queued or a run of it was made, should nobody collect it. */
export const CAMPAIGN_TTL_SECONDS = 30 * 24 * 3600;
