import { DeleteParameterCommand, GetParameterCommand } from "@aws-sdk/client-ssm";
import { awsErrorName } from "./aws-errors.ts";
import type { AwsClients } from "./clients.ts";
import { options } from "./stack.ts";

type Ssm = Pick<AwsClients, "ssm">;

/** The public key by which a manager proves who it is: `ssh-ed25519 AAAA…`. */
export async function publishedHostKey(
  { ssm }: Ssm,
  swarm: string,
  managerId: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const value = await parameter({ ssm }, `/swarm/${swarm}/host-key`, signal);
  const [, id, key] = /^(i-\w+) (\S+ \S+)$/.exec(value?.trim() ?? "") ?? [];
  return id === managerId ? key : undefined; // else it is that of a manager before this one
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

/** The one that is not the stack's own: CloudFormation cannot make a SecureString. */
export async function deleteJoinToken({ ssm }: Ssm, swarm: string): Promise<void> {
  try {
    await ssm.send(new DeleteParameterCommand({ Name: `/swarm/${swarm}/worker-join` }));
  } catch (error) {
    if (awsErrorName(error) !== "ParameterNotFound") throw error;
  }
}
