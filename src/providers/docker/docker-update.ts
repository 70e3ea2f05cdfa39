import { UserError } from "../../errors.ts";
import { poll } from "../../system/poll.ts";
import type { DockerEndpoint } from "../docker-endpoint.ts";
import { docker, type DockerOptions } from "./cli.ts";

/** Docker's answer if a service or node has changed since the docker program has read it. */
const CONFLICT = "update out of sequence";

const CONFLICT_TIMEOUT_MS = 30_000;

/**
 * Runs a docker command that changes services, again as long as Docker itself changes them in between: while it
 * restarts or rolls back a service, it writes to that service, too. For commands that may be repeated.
 * @throws {UserError} with Docker's error message.
 * @see https://docs.docker.com/reference/api/engine/, "ServiceUpdate", parameter `version`
 */
export async function dockerUpdate(
  endpoint: DockerEndpoint,
  args: readonly string[],
  options?: DockerOptions,
): Promise<void> {
  let conflict: unknown;
  const update = async (): Promise<boolean> => {
    try {
      await docker(endpoint, args, options);
      return true;
    } catch (error) {
      if (!(error instanceof UserError && error.message.includes(CONFLICT))) throw error;
      conflict = error;
      return false;
    }
  };
  const timing = { everyMs: 200, growth: 2, timeoutMs: CONFLICT_TIMEOUT_MS, signal: options?.signal };
  if (!(await poll(update, timing))) throw conflict;
}
