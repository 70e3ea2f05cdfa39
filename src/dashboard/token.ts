import { createHmac, randomBytes } from "node:crypto";

/** A token that nobody can guess. */
export function newToken(): string {
  return randomBytes(24).toString("base64url");
}

/**
 * Returns the token of a dashboard that all users of a queue share. It is derived from the queue's password,
 * with which these users can cancel and retry runs anyway.
 */
export function tokenFor(queuePassword: string): string {
  return createHmac("sha256", queuePassword).update("dashboard").digest("base64url").slice(0, 32);
}
