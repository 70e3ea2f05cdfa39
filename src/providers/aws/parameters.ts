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

async function parameter({ ssm }: Ssm, name: string, signal?: AbortSignal): Promise<string | undefined> {
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: name }), options(signal));
    return Parameter?.Value;
  } catch (error) {
    if (awsErrorName(error) === "ParameterNotFound") return undefined;
    throw error;
  }
}

/** Deletes the join token, which is not part of the stack because CloudFormation cannot create a SecureString. */
export async function deleteJoinToken({ ssm }: Ssm, swarm: string): Promise<void> {
  try {
    await ssm.send(new DeleteParameterCommand({ Name: `/swarm/${swarm}/worker-join` }));
  } catch (error) {
    if (awsErrorName(error) !== "ParameterNotFound") throw error;
  }
}
