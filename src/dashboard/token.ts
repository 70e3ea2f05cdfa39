import { createHmac, randomBytes } from "node:crypto";

/** A token that nobody can guess. */
export function newToken(): string {
  return randomBytes(24).toString("base64url");
}

/**
 * The token of a dashboard that all users of a queue share: whoever knows the queue's password may cancel and
 * retry without it, too.
 */
export function tokenFor(queuePassword: string): string {
  return createHmac("sha256", queuePassword).update("dashboard").digest("base64url").slice(0, 32);
}
