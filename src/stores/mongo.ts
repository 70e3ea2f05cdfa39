import type { Db, MongoClient } from "mongodb";
import { errorText, UserError } from "../errors.ts";
import { attempts } from "../system/poll.ts";
import { endDrainWaits } from "./drain-waits.ts";
import {
  asRefused,
  asUnreachable,
  asUserError,
  isRefusal,
  reasonToWait,
  withoutSecrets,
} from "./mongo-errors.ts";

/** How to connect to MongoDB, and what to do while it does not answer. */
export interface MongoAccess {
  /** Connection string with user, password and database. Never shown. @see MongoDB manual, "Connection Strings" */
  url: string;
  /** Called when an outage begins, with the reason for waiting. */
  onWaiting: (reason: string) => void;
  /** Whether to wait for a server that does not answer yet. */
  waitAtStart?: boolean;
  /** Stops all waiting. */
  signal?: AbortSignal | undefined;
}

/** When to retry an operation. */
export interface RetryOptions {
  /** Also waits while the server answers but refuses to store data. */
  writing?: boolean;
  signal?: AbortSignal | undefined;
}

/** A connection to a database. */
export interface Mongo extends AsyncDisposable {
  db: Db;
  driver: typeof import("mongodb");
  /** Does some work, and retries it while the server does not answer or (with `writing`) cannot store more data. */
  withRetry<T>(work: () => Promise<T>, patience?: RetryOptions): Promise<T>;
}

const DEFAULT_DATABASE = "swarm";
/** Through a relay over ssh, two ssh connections and a process in a container have to be started first. */
const ANSWER_TIMEOUT_MS = 15_000;
const RETRY = { everyMs: 200, growth: 2, slowestMs: 10_000 };
/** After how many an operation has failed: a server may refuse one because of another, such as a lock that is held. */
const REFUSALS = 6;

/**
 * Opens a connection and checks that the server can be used.
 * @throws {UserError} if it does not answer, is too old, or rejects the password.
 */
export async function openMongo(access: MongoAccess): Promise<Mongo> {
  endDrainWaits();
  const driver = await import("mongodb");
  const client = makeClient(driver, access.url);
  const where = `MongoDB at ${hostsOf(client)}`;
  const withRetry: Mongo["withRetry"] = (work, patience = {}) => untilItWorks(where, work, access, patience);
  const first = async (): Promise<void> => {
    await client.connect();
    await client.db().command({ ping: 1 });
  };
  try {
    await (access.waitAtStart ? withRetry(first) : first());
  } catch (error) {
    await client.close();
    throw asUserError(error, where) ?? asUnreachable(error, where) ?? error;
  }
  const db = client.db(databaseOf(access.url) ?? DEFAULT_DATABASE);
  return { db, driver, withRetry, [Symbol.asyncDispose]: () => client.close() };
}

/** Checks that a MongoDB can be used. @throws {UserError} if not. */
export async function checkMongo(access: MongoAccess): Promise<void> {
  await (await openMongo(access))[Symbol.asyncDispose]();
}

function makeClient(driver: Mongo["driver"], url: string): MongoClient {
  try {
    return new driver.MongoClient(url, {
      appName: "inet-swarm",
      serverSelectionTimeoutMS: ANSWER_TIMEOUT_MS,
      connectTimeoutMS: ANSWER_TIMEOUT_MS,
    });
  } catch (error) {
    throw new UserError(`the MongoDB URL is not valid: ${withoutSecrets(errorText(error))}`, {
      hint: "use the form mongodb://USER:PASSWORD@HOST:PORT/DATABASE, with special characters percent-encoded",
    });
  }
}

function hostsOf({ options: { srvHost, hosts } }: MongoClient): string {
  return srvHost ?? hosts.map(String).join(",");
}

/** Returns the database named in a URL. The driver's own default is meant for tests. */
function databaseOf(url: string): string | undefined {
  const name = /^mongodb(?:\+srv)?:\/\/[^/]*\/([^?]+)/.exec(url)?.[1];
  return name === undefined ? undefined : decodeURIComponent(name);
}

async function untilItWorks<T>(
  where: string,
  work: () => Promise<T>,
  access: MongoAccess,
  { writing = false, signal }: RetryOptions,
): Promise<T> {
  const aborted = AbortSignal.any([access.signal, signal].filter((one) => one !== undefined));
  let isReported = false;
  let refusals = 0;
  const nextAttempt = attempts({ ...RETRY, signal: aborted });
  for (;;) {
    aborted.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      aborted.throwIfAborted();
      const reason = reasonToWait(error, writing);
      if (reason !== undefined) {
        if (!isReported) access.onWaiting(`${where} ${reason}; waiting for it`);
        isReported = true;
        refusals = 0;
      } else {
        const userError = asUserError(error, where);
        if (userError !== undefined || !isRefusal(error)) throw userError ?? error;
        if (++refusals === REFUSALS) throw asRefused(error, where);
      }
    }
    await nextAttempt();
  }
}
