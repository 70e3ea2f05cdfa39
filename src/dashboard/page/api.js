const KEY = "swarm-token";
const RETRY_MS = 5000;

/** Callers cast the result. @type {(text: string) => unknown} */
const parse = JSON.parse;

/** @param {Response} answer */
export async function json(answer) {
  return parse(await answer.text());
}

/** Moves the token from the fragment of the URL to the tab's session storage. */
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given === null) return;
  sessionStorage.setItem(KEY, given);
  history.replaceState(undefined, "", location.pathname + location.search);
}

/** Returns whether this tab may cancel and retry runs. */
export function hasToken() {
  return sessionStorage.getItem(KEY) !== null;
}

/**
 * Follows a live answer while the page is visible, because a browser limits the connections of all its tabs
 * to a host. Shows on the page when there is no answer.
 * @template T
 * @param {string} path
 * @param {(answer: T) => void} show
 */
export function follow(path, show) {
  /** @type {EventSource | undefined} */
  let source;
  const open = () => {
    source?.close();
    source = document.hidden ? undefined : listen(path, show, () => setTimeout(open, RETRY_MS));
  };
  document.addEventListener("visibilitychange", open);
  open();
}

/**
 * @template T
 * @param {string} path @param {(answer: T) => void} show
 * @param {() => void} retry called if the connection is closed
 */
function listen(path, show, retry) {
  const source = new EventSource(path);
  source.onmessage = ({ data }) => {
    const answer = /** @type {T & { error?: string }} */ (parse(String(data)));
    showStatus(answer.error ?? "");
    if (answer.error === undefined) show(answer);
  };
  source.onerror = () => {
    showStatus("no response; retrying");
    if (source.readyState === EventSource.CLOSED) void explain(path, retry);
  };
  return source;
}

/**
 * Shows why a request failed: an event source does not report the reason.
 * @param {string} path @param {() => void} retry
 */
async function explain(path, retry) {
  const answer = await fetch(path).catch(() => undefined);
  if (answer?.status !== 404) retry();
  if (answer === undefined || answer.ok) return;
  showStatus(await errorOf(answer));
  document.getElementById("loading")?.remove();
}

/** @param {string} text */
function showStatus(text) {
  /** @type {HTMLElement} */ (document.getElementById("connection")).textContent = text;
}

/** @param {Response} answer */
async function errorOf(answer) {
  const { error } = /** @type {{ error?: string }} */ (await json(answer));
  return error ?? answer.statusText;
}

/** Fetches a path. Throws an error with the server's message if that fails. @param {string} path */
export async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(await errorOf(answer));
  return answer;
}

/**
 * Cancels a campaign or retries its failed runs.
 * @param {string} id @param {"cancel" | "retry"} action
 * @returns the number of affected runs
 */
export async function change(id, action) {
  const answer = await fetch(`/api/campaigns/${encodeURIComponent(id)}/${action}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ""}` },
  });
  if (!answer.ok) throw new Error(await errorOf(answer));
  return /** @type {{ runs: number }} */ (await json(answer)).runs;
}
