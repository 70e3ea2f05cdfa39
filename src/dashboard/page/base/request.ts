const KEY = "swarm-token";

/** An answer of the server that is an error, as its message. */
export class AnswerError extends Error {
  override name = "AnswerError";
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

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
 * Requests a path of the API.
 * @throws {AnswerError} if the server answers with an error.
 * @throws {TypeError} if there is no connection.
 */
export async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  const answer = await fetch(path, options);
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
export async function askJson<T>(path: string, options: RequestInit = {}): Promise<T> {
  return (await (await ask(path, options)).json()) as T;
}

/** Moves the token from the fragment of the URL to the tab's session storage. */
export function takeToken(): void {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given === null) return;
  sessionStorage.setItem(KEY, given);
  history.replaceState(undefined, "", location.pathname + location.search);
}

/** Returns the token of this tab, or undefined. */
export function ownToken(): string | undefined {
  return sessionStorage.getItem(KEY) ?? undefined;
}

/** Returns the header by which a request may change something. */
export function authorization(): Record<string, string> {
  return { Authorization: `Bearer ${ownToken() ?? ""}` };
}

/** Returns the message of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof TypeError) return "the dashboard does not respond";
  return error instanceof Error ? error.message : String(error);
}
