import * as v from "valibot";
import { errorText, UserError } from "../../errors.ts";
import { inOneLine } from "../../model/names.ts";
import { hasEnded, identify, ProcessIdentitySchema } from "../../system/identity.ts";
import { parseJsonOrUndefined } from "../../system/json.ts";
import { poll } from "../../system/poll.ts";
import { userName } from "../../system/user.ts";
import type { DockerEndpoint } from "../docker-endpoint.ts";
import { docker, dockerLines } from "./cli.ts";
import { openEngine } from "./engine.ts";

const OwnerSchema = v.object({ ...ProcessIdentitySchema.entries, user: v.string() });

/** Output of `docker config inspect`. */
const ConfigAnswer = v.object({
  ID: v.string(),
  CreatedAt: v.string(),
  Spec: v.object({ Data: v.nullish(v.string()) }),
});
type Config = v.InferOutput<typeof ConfigAnswer>;

/** No deployment takes longer. Whether a process on another machine has ended cannot be found out in another way. */
const LONGEST_MS = 3 * 3600_000;
const TRIES = 3;
/** For removing a lock: a busy manager may fail to answer once. */
const REMOVAL = { everyMs: 1000, timeoutMs: 5000 };

/** Name of the Docker config that is the lock: names of configs are unique, so that only one process can create it. */
const lockName = (stack: string): string => `${stack}_changing`;

/**
 * Locks a stack against changes from any machine, until the returned object is disposed of. The lock of a process that
 * has ended is taken over.
 * @throws {UserError} if another process is changing the stack.
 */
export async function lockChanges(
  endpoint: DockerEndpoint,
  stack: string,
  signal?: AbortSignal,
): Promise<AsyncDisposable> {
  for (let left = TRIES; left > 0; left--) {
    const id = await create(endpoint, stack, signal);
    if (id !== undefined) return { [Symbol.asyncDispose]: () => remove(endpoint, id) };
    const other = await read(endpoint, stack, signal);
    if (other === undefined) continue; // it has just been released
    if (!isStale(other)) throw isBeingChanged(stack, other);
    await remove(endpoint, other.ID); // by its ID, so that the new lock of another process is not removed
  }
  throw new UserError(`the stack ${stack} is being changed by others`, { hint: "try again in a minute" });
}

/** Creates the lock. @returns its ID; undefined if it exists already. */
async function create(
  endpoint: DockerEndpoint,
  stack: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const input = JSON.stringify({ ...identify(process.pid), user: userName() });
  const label = ["--label", `inet-swarm.stack=${stack}`];
  try {
    return (
      await docker(endpoint, ["config", "create", ...label, lockName(stack), "-"], { input, signal })
    ).trim();
  } catch (error) {
    if (/already ?exists/i.test(errorText(error))) return undefined;
    await openEngine(endpoint, signal); // throws a better error, for example if it is not a manager
    throw error;
  }
}

async function read(
  endpoint: DockerEndpoint,
  stack: string,
  signal: AbortSignal | undefined,
): Promise<Config | undefined> {
  try {
    const [config] = await dockerLines(endpoint, ConfigAnswer, ["config", "inspect", lockName(stack)], {
      signal,
    });
    return config;
  } catch (error) {
    if (isNoConfig(error)) return undefined;
    throw error;
  }
}

/** Removes a lock, also if the command is being interrupted. A lock that cannot be removed becomes stale. */
async function remove(endpoint: DockerEndpoint, id: string): Promise<void> {
  const isRemoved = (): Promise<boolean> =>
    docker(endpoint, ["config", "rm", id]).then(
      () => true,
      (error: unknown) => isNoConfig(error),
    );
  await poll(isRemoved, REMOVAL);
}

function isNoConfig(error: unknown): boolean {
  return /no such config|config \S+ not found/i.test(errorText(error));
}

function ownerOf({ Spec: { Data } }: Config): v.InferOutput<typeof OwnerSchema> | undefined {
  const owner = v.safeParse(
    OwnerSchema,
    parseJsonOrUndefined(Buffer.from(Data ?? "", "base64").toString("utf8")),
  );
  return owner.success ? owner.output : undefined;
}

function isStale(config: Config): boolean {
  const owner = ownerOf(config);
  if (owner !== undefined && hasEnded(owner)) return true;
  return Date.now() - Date.parse(config.CreatedAt) > LONGEST_MS;
}

function isBeingChanged(stack: string, config: Config): UserError {
  const owner = ownerOf(config);
  const who =
    owner === undefined ? "somebody else" : `${owner.user} on ${owner.host?.name ?? "another machine"}`;
  const since = config.CreatedAt.replace(/\..*$/, "");
  return new UserError(inOneLine(`the stack ${stack} is being changed by ${who}, since ${since}`), {
    hint: `wait until that command has ended; if it was killed: docker config rm ${lockName(stack)}`,
  });
}
