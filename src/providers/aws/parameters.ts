import { DeleteParameterCommand, GetParameterCommand } from "@aws-sdk/client-ssm";
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

/** Returns why a manager could not be set up, as its boot script has reported; undefined if it has not. */
export async function bootError(
  { ssm }: Ssm,
  swarm: string,
  managerId: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const [, id, text] =
    /^(i-\w+) (.+)/.exec((await parameter({ ssm }, bootErrorName(swarm), signal)) ?? "") ?? [];
  return id === managerId ? text : undefined; // otherwise, it is that of a previous manager
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
