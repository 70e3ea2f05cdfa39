import { DeleteParameterCommand, GetParameterCommand, GetParametersCommand } from "@aws-sdk/client-ssm";
import { awsErrorName } from "./aws-errors.ts";
import type { AwsClients } from "./clients.ts";
import { options } from "./stack.ts";

type Ssm = Pick<AwsClients, "ssm">;

/** Returns the public host key that a manager has published, `ssh-ed25519 AAAA…`; undefined if there is none yet. */
export async function publishedHostKey(
  { ssm }: Ssm,
  swarm: string,
  managerId: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const value = await parameter({ ssm }, `/swarm/${swarm}/host-key`, signal);
  const [, id, key] = /^(i-\w+) (\S+ \S+)$/.exec(value?.trim() ?? "") ?? [];
  return id === managerId ? key : undefined; // otherwise, it is the key of a previous manager
}

/** Why a manager could not be set up, as its boot script has reported. */
export interface BootError {
  /** Instance ID of the manager, which may have been replaced since. */
  managerId: string;
  text: string;
}

/** Returns the last failure of a boot script; undefined if there was none. */
export async function lastBootError(
  { ssm }: Ssm,
  swarm: string,
  signal?: AbortSignal,
): Promise<BootError | undefined> {
  const [, managerId, text] =
    /^(i-\w+) (.+)/.exec((await parameter({ ssm }, bootErrorName(swarm), signal)) ?? "") ?? [];
  return managerId === undefined || text === undefined ? undefined : { managerId, text };
}

function bootErrorName(swarm: string): string {
  return `/swarm/${swarm}/boot-error`;
}

async function parameter({ ssm }: Ssm, name: string, signal?: AbortSignal): Promise<string | undefined> {
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: name }), options(signal));
    return Parameter?.Value;
  } catch (error) {
    if (awsErrorName(error) === "ParameterNotFound") return undefined;
    throw error;
  }
}

/** Returns the names of the parameters that exist of a swarm. */
export async function publishedParameters({ ssm }: Ssm, swarm: string): Promise<string[]> {
  const Names = ["host-key", "worker-join", "boot-error"].map((name) => `/swarm/${swarm}/${name}`);
  const { Parameters } = await ssm.send(new GetParametersCommand({ Names }));
  return (Parameters ?? []).flatMap(({ Name }) => Name ?? []).sort();
}

/**
 * Deletes what machines have published, which is not part of the stack: a report of the boot script, and the join token,
 * because CloudFormation cannot create a SecureString.
 */
export async function deletePublished({ ssm }: Ssm, swarm: string): Promise<void> {
  for (const Name of [`/swarm/${swarm}/worker-join`, bootErrorName(swarm)]) {
    try {
      await ssm.send(new DeleteParameterCommand({ Name }));
    } catch (error) {
      if (awsErrorName(error) !== "ParameterNotFound") throw error;
    }
  }
}
