import type * as v from "valibot";
import type { DockerEndpoint } from "../docker-endpoint.ts";
import { UserError } from "../../errors.ts";
import { parseLines } from "./answers.ts";
import { runDocker } from "./run-docker.ts";
import { explainSsh } from "./ssh-errors.ts";

export interface DockerOptions {
  input?: string;
  /** Further environment variables. */
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
}

const ANSWER_TIMEOUT_MS = 60_000;

/**
 * Runs a command of the docker program, which supports contexts, certificates and ssh.
 * @returns its output.
 * @throws {UserError} with Docker's error message.
 * @see docker(1)
 */
export async function docker(
  endpoint: DockerEndpoint,
  args: readonly string[],
  { input, env, signal, timeoutMs = ANSWER_TIMEOUT_MS }: DockerOptions = {},
): Promise<string> {
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const { exitCode, stdout, stderr } = await runDocker([...endpointArguments(endpoint), ...args], {
      env: { ...dockerEnvironment(endpoint), ...env },
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      input,
    });
    if (exitCode === 0) return stdout;
    throw await explain(endpoint, args, stderr.trim() || stdout.trim());
  } catch (error) {
    signal?.throwIfAborted();
    if (limit.aborted) throw doesNotAnswer(endpoint, `no response within ${timeoutMs / 1000} s`);
    if (error instanceof UserError && error.message.includes("command not found")) throw withoutDocker(error);
    throw error;
  }
}

/**
 * Runs a docker command that prints one JSON object per line, and returns the objects.
 * @throws {UserError} with Docker's error message, or if the output does not match the schema.
 */
export async function dockerLines<S extends v.GenericSchema>(
  endpoint: DockerEndpoint,
  schema: S,
  args: readonly string[],
  options?: DockerOptions,
): Promise<v.InferOutput<S>[]> {
  const command = args.slice(0, 2);
  const all = [...command, "--format", "{{json .}}", ...args.slice(2)];
  return parseLines(schema, await docker(endpoint, all, options), command);
}

/** Returns the options that select a Docker. */
export function endpointArguments({ host, context }: DockerEndpoint): string[] {
  if (context !== undefined) return ["--context", context];
  return host === undefined ? [] : ["--host", host];
}

/** Returns the environment of a docker command. Unlike with docker itself, an explicit endpoint overrides variables. */
export function dockerEnvironment({ host, context }: DockerEndpoint): NodeJS.ProcessEnv {
  const { DOCKER_HOST, DOCKER_CONTEXT, ...rest } = process.env;
  if (host !== undefined || context !== undefined) return rest;
  return { ...rest, ...(DOCKER_HOST && { DOCKER_HOST }), ...(DOCKER_CONTEXT && { DOCKER_CONTEXT }) };
}

/** Returns the name of a Docker for messages. */
export function describeEndpoint({ host, context }: DockerEndpoint): string {
  if (context !== undefined) return `the docker context ${context}`;
  return host === undefined ? "Docker" : `Docker at ${host}`;
}

/**
 * Returns the endpoint that is used by default, explicitly, because the environment may differ in another terminal.
 * @throws {UserError} if the current context does not exist.
 */
export async function resolveEndpoint(endpoint: DockerEndpoint, env = process.env): Promise<DockerEndpoint> {
  if (endpoint.host !== undefined || endpoint.context !== undefined) return endpoint;
  if (env["DOCKER_HOST"]) return { host: env["DOCKER_HOST"] };
  return { context: (await docker({}, ["context", "show"])).trim() };
}

/** Returns the address of a Docker: `unix:///var/run/docker.sock`. */
export async function hostOf({ host, context }: DockerEndpoint): Promise<string> {
  if (host !== undefined) return host;
  const format = ["--format", "{{.Endpoints.docker.Host}}"];
  return (
    await docker({}, ["context", "inspect", ...format, ...(context === undefined ? [] : [context])])
  ).trim();
}

async function explain(endpoint: DockerEndpoint, args: readonly string[], text: string): Promise<UserError> {
  const name = describeEndpoint(endpoint);
  if (/exit status|malformed HTTP/i.test(text)) {
    const host = await hostOf(endpoint).catch(() => "");
    const error = host.startsWith("ssh://") ? explainSsh(host, text) : undefined;
    if (error !== undefined) return error;
  }
  if (/permission denied/i.test(text) && /docker.sock|socket|connect/i.test(text)) {
    return new UserError(`${name} denied access: ${text}`, {
      hint: "check that you are in the group docker, or use Docker in rootless mode",
    });
  }
  if (
    /cannot connect|error during connect|failed to connect|connection refused|dial-stdio|no such host/i.test(
      text,
    )
  )
    return doesNotAnswer(endpoint, text);
  if (/context "?.*"? (does not exist|not found)|no such context|context not found/i.test(text)) {
    return new UserError(`no docker context ${endpoint.context ?? ""}`, {
      hint: "list contexts with: docker context ls",
    });
  }
  if (/client version .* is too|minimum supported API version/i.test(text)) {
    return new UserError(
      `${name} and the docker program on this machine have incompatible versions: ${text}`,
      {
        hint: "update the older of the two",
      },
    );
  }
  return new UserError(`docker ${args.slice(0, 2).join(" ")}: ${text}`);
}

function doesNotAnswer(endpoint: DockerEndpoint, text: string): UserError {
  return new UserError(`${describeEndpoint(endpoint)} is not responding: ${text}`, {
    hint: "check that it is running and can be reached: docker info",
  });
}

function withoutDocker(cause: UserError): UserError {
  return new UserError("docker: command not found", {
    hint: "install the Docker command line: https://docs.docker.com/engine/install/",
    cause,
  });
}
