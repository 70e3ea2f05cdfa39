import { docker } from "./cli.ts";
import type { DockerEndpoint } from "../docker-endpoint.ts";

/** Returns the IDs of the services that match all filters. @see Docker, "docker service ls", --filter. */
export async function serviceIds(
  endpoint: DockerEndpoint,
  filters: readonly string[],
  signal?: AbortSignal,
): Promise<string[]> {
  const options = filters.flatMap((filter) => ["--filter", filter]);
  const output = await docker(endpoint, ["service", "ls", "--quiet", ...options], { signal });
  return output.split("\n").filter((line) => line !== "");
}
