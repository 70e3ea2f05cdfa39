import { token } from "./token.ts";

/** An answer of the server that is an error, as its message. */
export class AnswerError extends Error {
  override name = "AnswerError";
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

export type RequestOptions = Omit<RequestInit, "headers"> & { headers?: Record<string, string> };

/** The form in which the server sends an error. */
export interface SentError {
  error: string;
  hint?: string;
}

/** Returns the message of a sent error with its hint. */
export function messageIn({ error, hint }: SentError): string {
  return hint === undefined ? error : `${error} – ${hint}`;
}

/**
 * Requests a path of the API, with the token.
 * @throws {AnswerError} if the server answers with an error.
 * @throws {TypeError} if there is no connection.
 */
export async function ask(path: string, options: RequestOptions = {}): Promise<Response> {
  const headers = { ...options.headers, ...(token.value && { Authorization: `Bearer ${token.value}` }) };
  const answer = await fetch(path, { ...options, headers });
  if (!answer.ok) throw new AnswerError(await errorIn(answer), answer.status);
  return answer;
}

async function errorIn(answer: Response): Promise<string> {
  const text = await answer.text();
  try {
    return messageIn(JSON.parse(text) as SentError);
  } catch {
    return `the dashboard answered: ${answer.status} ${answer.statusText}`; // it comes from a proxy, for example
  }
}

/** Requests a path of the API and parses the answer. */
export async function askJson<T>(path: string, options: RequestOptions = {}): Promise<T> {
  return (await (await ask(path, options)).json()) as T;
}

/** Returns the message of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof TypeError) return "the dashboard does not respond";
  return error instanceof Error ? error.message : String(error);
}
