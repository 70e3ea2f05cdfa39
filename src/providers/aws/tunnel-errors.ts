import { UserError } from "../../errors.ts";

interface Reason {
  pattern: RegExp;
  text: (address: string) => string;
  hint: string;
  /** Trying again would not help. */
  final: boolean;
}

const REASONS: readonly Reason[] = [
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|no matching host key type/i,
    text: (address) =>
      `the machine at ${address} is not the manager: its host key is not the one that AWS published`,
    hint: "somebody may be between you and AWS; do not go on unless you know why",
    final: true,
  },
  {
    pattern: /Permission denied \(|Too many authentication failures/i,
    text: (address) => `the manager at ${address} does not take the swarm's key`,
    hint: "the user's name on the manager is set with --ssh-user",
    final: true,
  },
  {
    pattern: /bad permissions|UNPROTECTED PRIVATE KEY/i,
    text: () => "others can read the swarm's private key, so ssh does not use it",
    hint: "chmod 600 it; it lies below the swarm's state folder, in ssh/",
    final: true,
  },
  {
    pattern: /timed out|No route to host|Network is unreachable/i,
    text: (address) => `the manager at ${address} does not answer`,
    hint: "only one network may reach it by SSH; if your address has changed: swarm-tool connect --ssh-cidr ADDRESS/32",
    final: false,
  },
  {
    pattern: /Address already in use|cannot listen to port|Could not request local forwarding/i,
    text: () => "the tunnel's local ports were taken by another program",
    hint: "give the command again",
    final: false,
  },
];

/**
 * Why a tunnel is not ready, from what ssh has printed.
 * @param isRunning whether ssh itself has come through.
 */
export function explainSsh(
  output: string,
  address: string,
  isRunning: boolean,
): { error: UserError; final: boolean } {
  const known = isRunning ? undefined : REASONS.find(({ pattern }) => pattern.test(output));
  if (known !== undefined) {
    return { error: new UserError(known.text(address), { hint: known.hint }), final: known.final };
  }
  const last = output.trim().split("\n").at(-1) ?? "";
  const error = isRunning
    ? new UserError(`Docker does not answer on the manager at ${address} yet${last && `: ${last}`}`, {
        hint: "a machine needs some minutes to start: give the command again",
      })
    : new UserError(`the tunnel to ${address} ended: ${last || "ssh gave no reason"}`, {
        hint: "give the command again",
      });
  return { error, final: false };
}
