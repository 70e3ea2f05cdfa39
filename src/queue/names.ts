import type { RedisOptions } from "ioredis";
import { OwnSocketConnector } from "./own-socket-connector.ts";

/** How to connect to the queue's Redis: by a Unix socket, or by host and password. */
export interface QueueConnection {
  path?: string;
  /** Checks the owner of the socket before each connection. */
  Connector?: NonNullable<RedisOptions["Connector"]>;
  /** Data directory of the Redis at a socket; a Redis with another one is rejected. */
  dataDirectory?: string;
  host?: string;
  port?: number;
  /** Number of the database (default: 0). */
  db?: number;
  username?: string;
  password?: string;
  /** Required by BullMQ's workers, which wait for a lost connection without a limit. */
  maxRetriesPerRequest: null;
}

/** Returns the connection to a Unix socket of this user. @param dataDirectory its Redis's data directory, if known. */
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

/** Returns the ID of a build's job. BullMQ does not allow IDs that are plain integers or contain a colon. */
export function buildJobId(key: string): string {
  return `b-${key}`;
}

/** Key of a text: the campaign as JSON. */
export const campaignKey = (id: string): string => `swarm:campaign:${id}`;
/** Set of the numbers of the runs that have not been collected. */
export const openRunsKey = (id: string): string => `swarm:open:${id}`;
/** Hash of the outcomes, other than `done`, of collected runs by run number. */
export const statesKey = (id: string): string => `swarm:states:${id}`;
/** Hash of the runs that were cancelled before they started, by run number: these have no record. */
export const unstartedKey = (id: string): string => `swarm:unstarted:${id}`;
/** Hash of the runs whose record a later campaign has replaced: from run number to the ID of that campaign. */
export const supersededKey = (id: string): string => `swarm:superseded:${id}`;
/** Hash of the campaigns that limit their concurrent runs: from the campaign's ID to its limit. */
export const LIMITS_KEY = "swarm:limits";
/** Set of the numbers of the runs that a campaign with a limit admits: they are being executed or may be started. */
export const admittedKey = (id: string): string => `swarm:admitted:${id}`;
/** Sorted set of the numbers of the runs of a campaign with a limit that have to wait until others have ended. */
export const parkedKey = (id: string): string => `swarm:parked:${id}`;
/** Sorted set of all campaigns, by the time when they were queued. */
export const CAMPAIGNS_KEY = "swarm:campaigns";
/** Key that exists if the campaign is cancelled. */
export const cancelKey = (id: string): string => `swarm:cancelled:${id}`;
/** Channel on which the IDs of cancelled campaigns are published. */
export const CANCEL_CHANNEL = "swarm:cancel";

/** How long a campaign is kept after it was queued or one of its runs was executed. */
export const CAMPAIGN_TTL_SECONDS = 30 * 24 * 3600;
