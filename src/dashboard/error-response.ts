import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { UserError } from "../errors.ts";
import { NoAnswer } from "../queue/watch.ts";
import { UnknownCampaign } from "./campaigns.ts";
import { describeTrouble, isExpected } from "./trouble.ts";
import { Busy } from "./turns.ts";

/** Time in seconds after which a client should repeat a request that failed for a passing reason. */
export const RETRY_AFTER_S = 5;

/** An error as it is sent to pages. */
export interface SentError {
  error: string;
  /** As of an HTTP response. */
  status: 404 | 409 | 500 | 503;
}

/** Returns an error as it is sent to pages. @param onError receives bugs, whose details are not sent. */
export function asSent(error: unknown, onError: (error: Error) => void): SentError {
  if (error instanceof UserError) return { error: messageWithHint(error), status: statusOf(error) };
  if (!isExpected(error)) onError(error as Error);
  return { error: describeTrouble(error), status: isExpected(error) ? 503 : 500 };
}

/** Returns the response to a request that failed: JSON with the message and, if it makes sense to repeat it, when. */
export function errorResponse(error: Error, context: Context, onError: (error: Error) => void): Response {
  if (context.req.raw.signal.aborted) return context.body(null, 400); // the client has disconnected
  if (error instanceof HTTPException) return refusal(context, error.message, error.status);
  const { error: message, status } = asSent(error, onError);
  return refusal(context, message, status);
}

function refusal(context: Context, error: string, status: HTTPException["status"]): Response {
  if (status === 503) context.header("Retry-After", String(RETRY_AFTER_S));
  return context.json({ error }, status);
}

function statusOf(error: UserError): SentError["status"] {
  if (error instanceof UnknownCampaign) return 404;
  return error instanceof Busy || error instanceof NoAnswer ? 503 : 409;
}

/** Returns the message of an error with its hint. */
export function messageWithHint({ message, hint }: UserError): string {
  return hint === undefined ? message : `${message} – ${hint}`;
}
