import { UserError } from "../../errors.ts";

interface Reason {
  pattern: RegExp;
  text: (address: string) => string;
  hint: string;
  /** Whether trying again would not help. */
  final: boolean;
}

const REASONS: readonly Reason[] = [
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|no matching host key type/i,
    text: (address) =>
      `the machine at ${address} is not the manager: its host key differs from the one that AWS published`,
    hint: "the connection may be intercepted; do not continue unless you know the reason",
    final: true,
  },
  {
    pattern: /Permission denied \(|Too many authentication failures/i,
    text: (address) => `the manager at ${address} rejected the swarm's key`,
    hint: "check the user name on the manager, set with --ssh-user",
    final: true,
  },
  {
    pattern: /bad permissions|UNPROTECTED PRIVATE KEY/i,
    text: () => "other users can read the swarm's private key, so ssh does not use it",
    hint: "run chmod 600 on the key; it is in ssh/ in the swarm's state folder",
    final: true,
  },
  {
    pattern: /timed out|No route to host|Network is unreachable/i,
    text: (address) => `the manager at ${address} is not responding`,
    hint: "only one network may reach it by SSH; if your address has changed, run: swarm-tool connect --ssh-cidr ADDRESS/32",
    final: false,
  },
  {
    pattern: /Address already in use|cannot listen to port|Could not request local forwarding/i,
    text: () => "the tunnel's local ports are in use by another program",
    hint: "run the command again",
    final: false,
  },
];

/**
 * Returns why a tunnel is not ready, from the output of ssh.
 * @param isRunning whether ssh is still running; the manager's Docker is then the reason.
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
    ? new UserError(`Docker is not yet responding on the manager at ${address}${last && `: ${last}`}`, {
        hint: "a machine needs a few minutes to start: run the command again",
      })
    : new UserError(`the tunnel to ${address} closed: ${last || "ssh gave no reason"}`, {
        hint: "run the command again",
      });
  return { error, final: false };
}
