import * as v from "valibot";
import { UserError } from "../../errors.ts";
import { parseJsonOrUndefined } from "../../system/json.ts";
import { docker } from "./cli.ts";
import { dockerUpdate } from "./docker-update.ts";
import type { DockerEndpoint } from "../docker-endpoint.ts";
import { ServicesSchema, type Services } from "../services.ts";

/** The settings of a deployment, for the next one by any user; without the passwords, which are Docker secrets. */
const SettingsSchema = v.omit(ServicesSchema, ["passwords"]);
export type Settings = v.InferOutput<typeof SettingsSchema>;

/** How a swarm was deployed, as recorded in the swarm itself. */
export interface Deployed {
  /** Undefined if deployed by an earlier version of this tool. */
  settings: Settings | undefined;
  halted: boolean;
}

/** The service whose labels contain the settings, because it also runs while the swarm is halted. */
const LABELED_SERVICE = "redis";
const SETTINGS_LABEL = "inet-swarm.settings";
const HALTED_LABEL = "inet-swarm.halted";

/** Returns how a swarm was deployed; undefined if it is not deployed. */
export async function readDeployed(
  endpoint: DockerEndpoint,
  stack: string,
  signal?: AbortSignal,
): Promise<Deployed | undefined> {
  try {
    const format = ["--format", "{{json .Spec.Labels}}"];
    const output = await docker(endpoint, ["service", "inspect", ...format, `${stack}_${LABELED_SERVICE}`], {
      signal,
    });
    return deployedAs(output);
  } catch (error) {
    if (error instanceof UserError && /no such service/i.test(error.message)) return undefined;
    throw error;
  }
}

/** Returns how a swarm was deployed. @param labels of the service, as JSON. */
export function deployedAs(labels: string): Deployed {
  const known = v.safeParse(v.record(v.string(), v.unknown()), parseJsonOrUndefined(labels));
  const { [SETTINGS_LABEL]: settings, [HALTED_LABEL]: halted } = known.success ? known.output : {};
  return {
    settings: typeof settings === "string" ? decode(settings) : undefined,
    halted: halted !== undefined,
  };
}

/** Records the settings of a deployment. Changing a label does not restart the service. */
export async function noteDeployed(
  endpoint: DockerEndpoint,
  stack: string,
  settings: Settings,
  signal?: AbortSignal,
): Promise<void> {
  const labels = ["--label-rm", HALTED_LABEL, "--label-add", `${SETTINGS_LABEL}=${encodeSettings(settings)}`];
  await dockerUpdate(endpoint, ["service", "update", "--detach", ...labels, `${stack}_${LABELED_SERVICE}`], {
    signal,
  });
}

/** Records that the swarm is halted. */
export async function noteHalted(
  endpoint: DockerEndpoint,
  stack: string,
  signal?: AbortSignal,
): Promise<void> {
  const label = ["--label-add", `${HALTED_LABEL}=user`];
  await dockerUpdate(endpoint, ["service", "update", "--detach", ...label, `${stack}_${LABELED_SERVICE}`], {
    signal,
  });
}

/** Returns settings in base64, for a label and for a stack file, in which `$` would start a variable. */
export function encodeSettings({ images, build, registry, runners }: Services): string {
  return Buffer.from(JSON.stringify({ images, build, registry, runners })).toString("base64");
}

function decode(text: string): Settings | undefined {
  if (text === "") return undefined;
  const parsed = v.safeParse(
    SettingsSchema,
    parseJsonOrUndefined(Buffer.from(text, "base64").toString("utf8")),
  );
  return parsed.success ? parsed.output : undefined; // a user has changed the label: treated like an earlier version's
}
