import { randomBytes } from "node:crypto";
import { UserError } from "../../errors.ts";
import { poll } from "../../system/poll.ts";
import { IMAGE_LABEL, removeImage } from "./build.ts";
import { TaskAnswer } from "./answers.ts";
import { docker, dockerLines } from "./cli.ts";
import type { Engine } from "./engine.ts";

const PUSH_TIMEOUT_MS = 60_000;
const NODES_TIMEOUT_MS = 60_000;
const POLL_MS = 300;
/** An image without any file, which every machine can pull but none can start. */
const EMPTY_TAR = "\0".repeat(1024);
const NAME = "inet-swarm-check";

/** The beginning of an image's name: a host with a dot or a port, or localhost, and an optional path. */
const REGISTRY =
  /^(?:localhost|[\w-]+(?:\.[\w-]+)+|[\w-]+(?=:\d)|\[[\da-f:]+\])(?::\d{1,5})?(?:\/[a-z\d]+(?:[._/-]+[a-z\d]+)*)?$/i;

/**
 * Checks that the manager can push to a registry and that each machine can pull from it, before a large image is built.
 * @yields descriptions of steps that take time.
 * @throws {UserError} if the registry cannot be used, or naming the machines that cannot use it.
 */
export async function* checkRegistry(
  engine: Engine,
  stack: string,
  registry: string,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  if (!REGISTRY.test(registry)) {
    throw new UserError(`${JSON.stringify(registry)} is not a valid registry`, {
      hint: "write it as in image names: HOST[:PORT][/PATH], without http://",
    });
  }
  yield `checking the registry ${registry}`;
  const image = `${registry}/${NAME}:${randomBytes(4).toString("hex")}`;
  const label = ["--change", `LABEL ${IMAGE_LABEL}=check`];
  await docker(engine.endpoint, ["import", ...label, "-", image], { input: EMPTY_TAR, signal });
  try {
    await push(engine, registry, image, signal);
    await pullEverywhere(engine, `${stack}_check`, registry, image, signal);
  } finally {
    await removeImage(engine.endpoint, image);
  }
}

async function push(
  { endpoint }: Engine,
  registry: string,
  image: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await docker(endpoint, ["push", "--quiet", image], { signal, timeoutMs: PUSH_TIMEOUT_MS });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw explainRegistry(registry, error.message.replace(/^docker push \S+: /, ""), error);
  }
}

/** Returns an error of the manager's Docker about a registry as an error with a hint. @param text Docker's message. */
export function explainRegistry(registry: string, text: string, cause?: unknown): UserError {
  const host = registry.split("/")[0]!;
  const reason = text.trim().split("\n").at(-1)!;
  const [what, hint] = ((): [string, string] => {
    if (/server gave HTTP response to HTTPS client/i.test(text))
      return [
        "does not use TLS, which the manager's Docker does not accept",
        `enable TLS, or add "insecure-registries": ["${host}"] to /etc/docker/daemon.json on each machine`,
      ];
    if (/x509|certificate|tls:/i.test(text))
      return [
        "has a certificate that the manager's Docker does not trust",
        `put the authority's certificate into /etc/docker/certs.d/${host}/ca.crt on each machine`,
      ];
    if (/no basic auth|unauthorized|authentication required|denied|insufficient_scope|401|403/i.test(text))
      return [
        "does not let you push",
        `log in on this machine: docker login ${host}; or give a path that you can write to`,
      ];
    if (
      /connection refused|no such host|timeout|deadline|no route|unreachable|no answer within|EOF|reset/i.test(
        text,
      )
    )
      return ["cannot be reached from the manager", "check its name and port, and that it is running"];
    return ["is not a registry that accepts images", "check its name, port and path"];
  })();
  return new UserError(`the registry ${registry} ${what}: ${reason}`, { hint, cause });
}

/**
 * Checks that all machines can pull an image, by a service that cannot start: on a machine where it fails for another
 * reason than a missing image, the image was pulled.
 */
async function pullEverywhere(
  { endpoint, nodes }: Engine,
  service: string,
  registry: string,
  image: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const checked = nodes.filter(({ status, availability }) => status === "Ready" && availability === "Active");
  const options = ["--detach", "--quiet", "--no-resolve-image", "--with-registry-auth", "--mode", "global"];
  const create = [
    "service",
    "create",
    ...options,
    "--restart-condition",
    "none",
    "--name",
    service,
    image,
    "/x",
  ];
  await docker(endpoint, ["service", "rm", service], { signal }).catch(() => undefined); // left by a check that was killed
  await docker(endpoint, create, { signal });
  const failed = new Map<string, string>();
  try {
    const waiting = new Map(checked.map(({ id, hostname }) => [id, hostname]));
    const look = async (): Promise<boolean> => {
      const command = ["service", "ps", "--no-trunc", "--no-resolve", service];
      for (const { Node, Error, CurrentState } of await dockerLines(endpoint, TaskAnswer, command, {
        signal,
      })) {
        const hostname = waiting.get(Node);
        const isOver = /^(Rejected|Failed|Complete|Shutdown)/.test(CurrentState);
        if (hostname === undefined || !isOver) continue;
        waiting.delete(Node);
        if (/no such image|pull access denied|manifest|unauthorized/i.test(Error))
          failed.set(hostname, Error);
      }
      return waiting.size === 0;
    };
    await poll(look, { everyMs: POLL_MS, timeoutMs: NODES_TIMEOUT_MS, signal });
    for (const hostname of waiting.values()) failed.set(hostname, "no response");
  } finally {
    await docker(endpoint, ["service", "rm", service]).catch(() => undefined); // the next check removes it
  }
  if (failed.size === 0) return;
  const names = [...failed.keys()].sort().join(", ");
  throw new UserError(`cannot pull images from the registry ${registry} on: ${names}`, {
    hint: `on that machine, run: docker pull ${image}; a registry without TLS or with a self-signed certificate has to be allowed on each machine`,
  });
}
