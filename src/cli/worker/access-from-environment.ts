import { closeSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { errorText, UserError } from "../../errors.ts";
import { wholeNumberIn } from "../../model/whole-number.ts";
import { socketConnection, type QueueConnection } from "../../queue/names.ts";

/** The variables in which a worker is given access to its servers. */
const VARIABLES = ["REDIS_URL", "REDIS_URL_FILE", "MONGO_URL", "MONGO_URL_FILE"];

/**
 * Reads what a file descriptor has that this process was started with: lines `NAME=VALUE`. Unlike an environment it
 * leaves nothing in /proc that a simulation could read.
 * @throws {UserError} if it cannot be read.
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
 * Removes a worker's credentials from an environment, lest programs that it starts inherit them.
 * @returns the names of those that the kernel goes on showing to processes of the same user.
 */
export function removeSecrets(env: NodeJS.ProcessEnv): string[] {
  const found = VARIABLES.filter((name) => env[name]);
  for (const name of VARIABLES) Reflect.deleteProperty(env, name);
  return found;
}

/**
 * A value that must not stand on a command line, where everybody on the machine can read it: from the environment
 * variable NAME, or from the file that NAME_FILE names, as Docker hands out secrets.
 * @throws {UserError} where that file cannot be read.
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
 * The queue's Redis, by its unix socket or by the URL `redis://USER:PASSWORD@HOST:PORT/DATABASE` in `REDIS_URL`.
 * @throws {UserError} where neither is there, or the URL is not one.
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
    throw new UserError("REDIS_URL is not a Redis URL", { hint }); // it may hold a password: not shown
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
