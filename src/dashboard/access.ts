import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";

/** Addresses of the API with what runs have recorded and printed. */
export const PROTECTED = ["/campaigns/:id/results", "/campaigns/:id/values", "/campaigns/:id/runs/:run/*"];
/** Time for which a ticket is valid: the browser uses it immediately. */
const TICKET_MS = 60_000;
/** Maximum number of valid tickets; the oldest one makes room. */
const MOST_TICKETS = 1000;
const HINT = "open the address that this command prints: swarm-tool dashboard";

/**
 * Who may read what runs have recorded and printed, and change campaigns: whoever sends the token in the header
 * `Authorization: Bearer TOKEN` (RFC 6750). A cookie would not do, because browsers send it to all ports of a host, thus
 * also to the servers of other users.
 */
export class Access {
  readonly #token: string;
  /** What each ticket admits to, and until when. */
  readonly #tickets = new Map<string, { address: string; validUntil: number }>();

  constructor(token: string) {
    this.#token = token;
  }

  /** Returns whether a request contains the token. */
  has(context: Context): boolean {
    return isSame(context.req.header("authorization")?.replace(/^Bearer /, "") ?? "", this.#token);
  }

  refuse(context: Context): Response {
    return context.json({ error: "the token is missing or wrong", hint: HINT }, 403);
  }

  /** Refuses requests that contain neither the token nor a valid ticket. */
  readonly required: MiddlewareHandler = async (context, next) =>
    this.has(context) || this.#takeTicket(context) ? await next() : this.refuse(context);

  /** Returns a ticket to get the address of a request once: a browser cannot send the token when it saves a file. */
  issueTicket({ req }: Context, now = Date.now()): string {
    for (const [each, { validUntil }] of this.#tickets)
      if (validUntil <= now || this.#tickets.size >= MOST_TICKETS) this.#tickets.delete(each);
    const ticket = randomBytes(24).toString("base64url");
    this.#tickets.set(ticket, { address: addressOf(new URL(req.url)), validUntil: now + TICKET_MS });
    return ticket;
  }

  /** Returns whether a request contains a ticket for its address, which is valid only once. */
  #takeTicket({ req }: Context): boolean {
    const url = new URL(req.url);
    const ticket = url.searchParams.get("ticket");
    if (ticket === null || req.method !== "GET") return false;
    const known = this.#tickets.get(ticket);
    const isValid = known?.address === addressOf(url) && Date.now() < known.validUntil;
    if (isValid) this.#tickets.delete(ticket);
    return isValid;
  }
}

/** Returns path and parameters of a URL without the ticket. */
function addressOf({ pathname, searchParams }: URL): string {
  const parameters = new URLSearchParams(searchParams);
  parameters.delete("ticket");
  return `${pathname}?${parameters.toString()}`;
}

/** Compares two secrets in constant time. */
function isSame(given: string, wanted: string): boolean {
  const [a, b] = [given, wanted].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(a!, b!);
}
