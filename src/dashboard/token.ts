import { createHmac } from "node:crypto";

/**
 * The token of a dashboard that all users of a queue share: whoever knows the queue's password may cancel and
 * retry without it, too.
 */
export function tokenFor(queuePassword: string): string {
  return createHmac("sha256", queuePassword).update("dashboard").digest("base64url").slice(0, 32);
}
