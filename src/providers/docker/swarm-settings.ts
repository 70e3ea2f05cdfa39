import * as v from "valibot";
import { UserError } from "../../errors.ts";
import { jsonIn } from "../../system/json.ts";
import { docker } from "./cli.ts";
import type { DockerEndpoint } from "../docker-endpoint.ts";
import { ServicesSchema, type Services } from "../services.ts";

/** What a swarm was deployed with, for whoever deploys it next; without its passwords, which Docker keeps as secrets. */
const SettingsSchema = v.omit(ServicesSchema, ["passwords"]);
export type Settings = v.InferOutput<typeof SettingsSchema>;

/** What the swarm itself says of how it was deployed. */
export interface Deployed {
  /** Undefined of one that an earlier version of this tool has deployed. */
  settings: Settings | undefined;
  halted: boolean;
}

/** Labels of the service that is there as long as the swarm is, also while it is halted. */
const KEEPER = "redis";
const SETTINGS_LABEL = "inet-swarm.settings";
const HALTED_LABEL = "inet-swarm.halted";

/** Undefined if the swarm is not there. */
export async function readDeployed(
  endpoint: DockerEndpoint,
  stack: string,
  signal?: AbortSignal,
): Promise<Deployed | undefined> {
  try {
    const format = ["--format", "{{json .Spec.Labels}}"];
    const output = await docker(endpoint, ["service", "inspect", ...format, `${stack}_${KEEPER}`], {
      signal,
    });
    return deployedAs(output);
  } catch (error) {
    if (error instanceof UserError && /no such service/i.test(error.message)) return undefined;
    throw error;
  }
}

/** @param labels of the service, as JSON. */
export function deployedAs(labels: string): Deployed {
  const known = v.safeParse(v.record(v.string(), v.unknown()), jsonIn(labels));
  const { [SETTINGS_LABEL]: settings, [HALTED_LABEL]: halted } = known.success ? known.output : {};
  return {
    settings: typeof settings === "string" ? decode(settings) : undefined,
    halted: halted !== undefined,
  };
}

/** Notes what the swarm has been deployed with. A label of a service restarts nothing. */
export async function noteDeployed(
  endpoint: DockerEndpoint,
  stack: string,
  settings: Settings,
  signal?: AbortSignal,
): Promise<void> {
  const labels = ["--label-rm", HALTED_LABEL, "--label-add", `${SETTINGS_LABEL}=${encodeSettings(settings)}`];
  await docker(endpoint, ["service", "update", "--detach", ...labels, `${stack}_${KEEPER}`], { signal });
}

/** Notes that the swarm is halted. */
export async function noteHalted(
  endpoint: DockerEndpoint,
  stack: string,
  signal?: AbortSignal,
): Promise<void> {
  const label = ["--label-add", `${HALTED_LABEL}=user`];
  await docker(endpoint, ["service", "update", "--detach", ...label, `${stack}_${KEEPER}`], { signal });
}

/** As it is in a label, and in a stack file, where `$` would be a variable. */
export function encodeSettings({ images, build, registry, runners }: Services): string {
  return Buffer.from(JSON.stringify({ images, build, registry, runners })).toString("base64");
}

function decode(text: string): Settings | undefined {
  if (text === "") return undefined;
  const parsed = v.safeParse(SettingsSchema, jsonIn(Buffer.from(text, "base64").toString("utf8")));
  return parsed.success ? parsed.output : undefined; // somebody has changed the label: as of an earlier version
}
