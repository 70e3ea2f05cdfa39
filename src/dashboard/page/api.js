const KEY = "swarm-token";
const AGAIN_MS = 5000;

/** Whoever calls it knows what it is. @type {(text: string) => unknown} */
const parse = JSON.parse;

/** @param {Response} answer */
export async function json(answer) {
  return parse(await answer.text());
}

/** The token comes behind the address's `#`, once, and is kept as long as the tab is open. */
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given === null) return;
  sessionStorage.setItem(KEY, given);
  history.replaceState(undefined, "", location.pathname + location.search);
}

export function hasToken() {
  return sessionStorage.getItem(KEY) !== null;
}

/**
 * Follows an address while the page can be seen, because a browser has few connections to a place for all its
 * tabs; says on the page when there is no answer.
 * @template T
 * @param {string} path @param {(answer: T) => void} show
 */
export function follow(path, show) {
  /** @type {EventSource | undefined} */
  let source;
  const open = () => {
    source?.close();
    source = document.hidden ? undefined : listen(path, show, () => setTimeout(open, AGAIN_MS));
  };
  document.addEventListener("visibilitychange", open);
  open();
}

/**
 * @template T
 * @param {string} path @param {(answer: T) => void} show
 * @param {() => void} again the queue may answer later
 */
function listen(path, show, again) {
  const source = new EventSource(path);
  source.onmessage = ({ data }) => {
    const answer = /** @type {T & { error?: string }} */ (parse(String(data)));
    tell(answer.error ?? "");
    if (answer.error === undefined) show(answer);
  };
  source.onerror = () => {
    tell("no response; retrying");
    if (source.readyState === EventSource.CLOSED) void explain(path, again);
  };
  return source;
}

/** An event source does not say why it was refused. @param {string} path @param {() => void} again */
async function explain(path, again) {
  const answer = await fetch(path).catch(() => undefined);
  if (answer?.status !== 404) again();
  if (answer === undefined || answer.ok) return;
  tell(await errorOf(answer));
  document.getElementById("loading")?.remove();
}

/** @param {string} text */
function tell(text) {
  /** @type {HTMLElement} */ (document.getElementById("connection")).textContent = text;
}

/** @param {Response} answer */
async function errorOf(answer) {
  const { error } = /** @type {{ error?: string }} */ (await json(answer));
  return error ?? answer.statusText;
}

/** @param {string} path */
export async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(await errorOf(answer));
  return answer;
}

/**
 * Cancels or retries a campaign.
 * @param {string} id @param {"cancel" | "retry"} deed
 * @returns how many runs that concerns
 */
export async function change(id, deed) {
  const answer = await fetch(`/api/campaigns/${encodeURIComponent(id)}/${deed}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ""}` },
  });
  if (!answer.ok) throw new Error(await errorOf(answer));
  return /** @type {{ runs: number }} */ (await json(answer)).runs;
}
