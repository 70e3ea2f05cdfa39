import * as v from "valibot";
import { UserError } from "../../errors.ts";
import { parseJsonOrUndefined, parseOrExplain } from "../../system/json.ts";

// Output of the docker program as JSON. Only fields that are used are checked: the others differ between versions.

/** Output of `docker version`. */
export const VersionAnswer = v.object({ Server: v.object({ ApiVersion: v.string(), Version: v.string() }) });

/** Output of `docker info`. */
export const InfoAnswer = v.object({
  Swarm: v.object({
    NodeID: v.string(),
    LocalNodeState: v.string(),
    ControlAvailable: v.boolean(),
    Error: v.string(),
  }),
  /** The time there: `2026-01-31T18:05:00.123456789Z`. */
  SystemTime: v.optional(v.string()),
});

/** A line of `docker node ls`. */
export const NodeAnswer = v.object({
  ID: v.string(),
  Hostname: v.string(),
  Status: v.string(),
  Availability: v.string(),
  ManagerStatus: v.string(),
});

/** A service of `docker service inspect`. */
export const ServiceAnswer = v.object({
  ID: v.string(),
  Spec: v.object({
    Name: v.string(),
    TaskTemplate: v.looseObject({
      ContainerSpec: v.looseObject({ Image: v.string() }),
      Placement: v.nullish(v.looseObject({ Constraints: v.nullish(v.array(v.string())) })),
    }),
    Mode: v.object({
      Global: v.nullish(v.record(v.string(), v.unknown())),
      Replicated: v.nullish(v.object({ Replicas: v.optional(v.number(), 1) })),
    }),
  }),
  UpdateStatus: v.nullish(
    v.object({
      State: v.nullish(v.string()),
      StartedAt: v.nullish(v.string()),
      Message: v.nullish(v.string()),
    }),
  ),
});

/** A line of `docker stack ps` and `docker service ps`. */
export const TaskAnswer = v.object({
  ID: v.string(),
  /** With `--no-resolve`: `SERVICE-ID.SLOT`. */
  Name: v.string(),
  Node: v.string(),
  DesiredState: v.string(),
  CurrentState: v.string(),
  Error: v.string(),
});

/** A task of `docker inspect --type task`. */
export const TaskDetails = v.object({
  NodeID: v.string(),
  Status: v.object({ State: v.string(), Timestamp: v.string() }),
});

/** A line of `docker secret ls`. */
export const SecretAnswer = v.object({ Name: v.string() });

/**
 * Parses the output of a docker command, with one JSON value per line.
 * @param command the command's arguments, for error messages.
 * @throws {UserError} if the output does not match the schema.
 */
export function parseLines<S extends v.GenericSchema>(
  schema: S,
  output: string,
  command: readonly string[],
): v.InferOutput<S>[] {
  const what = `what docker ${command.slice(0, 2).join(" ")} prints`;
  return output.split("\n").flatMap((line) => {
    if (line.trim() === "") return [];
    const value = parseJsonOrUndefined(line);
    if (value === undefined) throw new UserError(`${what} is not valid JSON`, { hint: HINT });
    return [parseOrExplain(schema, value, what, HINT)];
  });
}

const HINT = "run the command again; if it stays, bring the docker program here up to date";
