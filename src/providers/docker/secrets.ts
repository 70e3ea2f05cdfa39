import { randomBytes } from "node:crypto";
import { UserError } from "../../errors.ts";
import { SecretAnswer } from "./answers.ts";
import { docker, dockerLines } from "./cli.ts";
import type { DockerEndpoint } from "../docker-endpoint.ts";
import type { Passwords } from "../services.ts";

const MONGO_USER = "swarm";
const MONGO_DATABASE = "swarm";

const secretName = (stack: string, name: string): string => `${stack}_${name}`;

/** Returns the contents of the secrets, by their names in the stack file. */
function secretContents({ redis, mongo }: Passwords): Record<string, string> {
  return {
    "redis-conf": `requirepass ${redis}\n`,
    "redis-url": `redis://:${redis}@redis:6379\n`,
    "mongo-password": mongo,
    "mongo-url": `${mongoUrl(mongo, "mongo", 27_017)}\n`,
  };
}

/** Returns the URL of a swarm's MongoDB, with its password. @see MongoDB manual, "Connection Strings". */
export function mongoUrl(password: string, host: string, port: number): string {
  const options = "authSource=admin&directConnection=true";
  return `mongodb://${MONGO_USER}:${password}@${host}:${port}/${MONGO_DATABASE}?${options}`;
}

/**
 * Creates the secrets of a stack that do not exist.
 * @param known the passwords with which the stack's volumes have been used.
 * @returns the passwords; undefined if all secrets exist already and their passwords are not known.
 */
export async function ensureSecrets(
  endpoint: DockerEndpoint,
  stack: string,
  known: Passwords | undefined,
  signal?: AbortSignal,
): Promise<Passwords | undefined> {
  const passwords = known ?? { redis: newPassword(), mongo: newPassword() };
  const contents = Object.entries(secretContents(passwords));
  const present = await listSecrets(endpoint, stack, signal);
  const missing = contents.filter(([name]) => !present.includes(secretName(stack, name)));
  if (missing.length === 0) return known;
  if (missing.length < contents.length && known === undefined) await removeSecrets(endpoint, stack, signal);
  const toCreate = known === undefined ? contents : missing;
  for (const [name, content] of toCreate) {
    const label = ["--label", `inet-swarm.stack=${stack}`];
    await docker(endpoint, ["secret", "create", ...label, secretName(stack, name), "-"], {
      input: content,
      signal,
    });
  }
  return passwords;
}

/** Removes the secrets of a stack. @throws {UserError} if a service still uses one. */
export async function removeSecrets(
  endpoint: DockerEndpoint,
  stack: string,
  signal?: AbortSignal,
): Promise<void> {
  const names = await listSecrets(endpoint, stack, signal);
  if (names.length > 0) await docker(endpoint, ["secret", "rm", ...names], { signal });
}

/** Returns the passwords from a container of a service. @throws {UserError} if they cannot be read. */
export async function readPasswords(
  endpoint: DockerEndpoint,
  container: string,
  signal?: AbortSignal,
): Promise<Passwords> {
  const files = ["/run/secrets/redis-url", "/run/secrets/mongo-url"];
  const output = await docker(endpoint, ["exec", container, "cat", ...files], { signal });
  const [redis, mongo] = output
    .split("\n")
    .filter((line) => URL.canParse(line))
    .map((line) => new URL(line).password);
  if (redis && mongo) return { redis, mongo };
  throw new UserError("cannot read the swarm's passwords from its services", {
    hint: "redeploy the services: swarm-tool deploy",
  });
}

async function listSecrets(endpoint: DockerEndpoint, stack: string, signal?: AbortSignal): Promise<string[]> {
  const filter = ["--filter", `label=inet-swarm.stack=${stack}`];
  const lines = await dockerLines(endpoint, SecretAnswer, ["secret", "ls", ...filter], { signal });
  return lines.map(({ Name }) => Name);
}

/** Returns a random password of only letters and digits, because it is part of URLs and a configuration file. */
function newPassword(): string {
  return randomBytes(24).toString("hex");
}
