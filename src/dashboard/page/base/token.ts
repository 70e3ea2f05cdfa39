import { signal } from "@preact/signals";

const KEY = "swarm-token";

/** What the tabs of a dashboard tell each other: that one needs the token, or the token. */
type Message = "needed" | { token: string; isNew: boolean };

/** The token of this tab, by which it may read results and change campaigns. */
export const token = signal<string | undefined>(undefined);

/**
 * Takes the token from the fragment of the URL, which is removed, or from the tab's session storage, or asks the other
 * tabs: one that was opened from a link has none.
 */
export function takeToken(): void {
  const channel = new BroadcastChannel(KEY);
  const tell = (message: Message): void => channel.postMessage(message);
  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if (data !== "needed") {
      if (data.isNew || token.value === undefined) keep(data.token);
    } else if (token.value !== undefined) tell({ token: token.value, isNew: false });
  };
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given !== null) {
    history.replaceState(undefined, "", location.pathname + location.search);
    tell({ token: given, isNew: true });
  }
  const known = given ?? sessionStorage.getItem(KEY);
  if (known === null) tell("needed");
  else keep(known);
}

function keep(value: string): void {
  sessionStorage.setItem(KEY, value);
  token.value = value;
}
