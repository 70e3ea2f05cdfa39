import { closeSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { errorText, UserError } from "../../errors.ts";
import { wholeNumberIn } from "../../model/whole-number.ts";
import { socketConnection, type QueueConnection } from "../../queue/names.ts";

/** Environment variables with a worker's access to its servers. */
const VARIABLES = ["REDIS_URL", "REDIS_URL_FILE", "MONGO_URL", "MONGO_URL_FILE"];

/**
 * Reads variables from a file descriptor that this process was started with: lines `NAME=VALUE`. Unlike
 * environment variables, they do not appear in /proc, where a simulation could read them.
 * @throws {UserError} if the descriptor cannot be read.
 */
export function secretsFrom(descriptor: number): NodeJS.ProcessEnv {
  try {
    const lines = readFileSync(descriptor, "utf8").split("\n");
    closeSync(descriptor);
    const pairs = lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
    return Object.fromEntries(pairs.filter(([name]) => VARIABLES.includes(name!))) as NodeJS.ProcessEnv;
  } catch (error) {
    throw new UserError(`--secrets ${descriptor}: cannot read the file descriptor: ${errorText(error)}`, {
      hint: "start the worker with: swarm-worker --secrets 3 … 3<FILE",
      cause: error,
    });
  }
}

/**
 * Removes a worker's credentials from an environment, so that its child processes do not inherit them.
 * @returns the names of the removed variables, which other processes of the same user can still read in
 *   /proc.
 */
export function removeSecrets(env: NodeJS.ProcessEnv): string[] {
  const found = VARIABLES.filter((name) => env[name]);
  for (const name of VARIABLES) Reflect.deleteProperty(env, name);
  return found;
}

/**
 * Returns a secret from the environment variable NAME, or from the file named by NAME_FILE, as Docker
 * provides secrets. On the command line, every user of the machine could read it. Undefined if neither is
 * set.
 * @throws {UserError} if the file cannot be read.
 */
export async function secretFrom(
  env: NodeJS.ProcessEnv,
  name: "MONGO_URL" | "REDIS_URL",
): Promise<string | undefined> {
  const file = env[`${name}_FILE`];
  if (!file) return env[name] || undefined;
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    throw new UserError(`cannot read the file named by ${name}_FILE: ${errorText(error)}`, {
      cause: error,
    });
  }
}

/**
 * Returns the connection to the queue's Redis: by its Unix socket, or by the URL
 * `redis://USER:PASSWORD@HOST:PORT/DATABASE` in `REDIS_URL`.
 * @param dataDirectory data directory of the Redis at the socket; any other Redis is refused.
 * @throws {UserError} if neither is given, or the URL is invalid.
 */
export async function queueFrom(
  env: NodeJS.ProcessEnv,
  socket: string | undefined,
  dataDirectory?: string,
): Promise<QueueConnection> {
  if (socket !== undefined) return socketConnection(socket, dataDirectory);
  const text = await secretFrom(env, "REDIS_URL");
  const hint =
    "give --redis SOCKET, or redis://:PASSWORD@HOST:PORT in REDIS_URL or in the file REDIS_URL_FILE";
  if (text === undefined) throw new UserError("REDIS_URL is not set", { hint });
  if (!URL.canParse(text) || new URL(text).protocol !== "redis:" || new URL(text).hostname === "")
    throw new UserError("REDIS_URL is not a Redis URL", { hint }); // not shown: it may contain a password
  const { hostname, port, username, password, pathname } = new URL(text);
  const database = pathname.slice(1);
  const db = database === "" ? undefined : wholeNumberIn(database, 0, 999_999);
  if (database !== "" && db === undefined)
    throw new UserError("the database in REDIS_URL is not a number", { hint });
  return {
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? 6379 : Number(port),
    ...(db !== undefined && { db }),
    ...(username !== "" && { username: decodeURIComponent(username) }),
    ...(password !== "" && { password: decodeURIComponent(password) }),
    maxRetriesPerRequest: null,
  };
}
