import { effect, signal } from "@preact/signals";
import { rangesOf } from "../../../model/whole-number.ts";
import { connection } from "./live.ts";
import { AnswerError, askJson, messageOf } from "./request.ts";
import { token } from "./token.ts";

/** Whether this tab may read results and change campaigns; otherwise `reason` says what to do; it is empty until that is known. */
export type Session = { hasAccess: true } | { hasAccess: false; reason: string };

const WITHOUT_TOKEN =
  "to see results and outputs, and to cancel or retry runs, open the address that this command prints: swarm-tool dashboard";
/** Time in which another tab answers with its token. */
const OTHER_TAB_MS = 300;
/** Pause before the token is checked again, if the server could not answer. */
const RETRY_MS = 3000;

export const session = signal<Session>({ hasAccess: false, reason: "" });

/** Asks whether the tab's token is valid, each time that a connection is made: it may be with another server. */
export function watchSession(): void {
  let checked: string | undefined;
  let wasLive = false;
  effect(() => {
    const isLive = connection.value.state === "live";
    const known = token.value;
    const mayHaveChanged = isLive && (!wasLive || known !== checked);
    wasLive = isLive;
    if (!mayHaveChanged || known === undefined) return;
    checked = known;
    void check();
  });
  setTimeout(() => {
    if (token.value === undefined) session.value = { hasAccess: false, reason: WITHOUT_TOKEN };
  }, OTHER_TAB_MS);
}

async function check(): Promise<void> {
  try {
    await askJson("/api/session");
    session.value = { hasAccess: true };
  } catch (error) {
    if (error instanceof AnswerError && error.status === 403) {
      session.value = {
        hasAccess: false,
        reason: `the token of this address is not valid: ${WITHOUT_TOKEN}`,
      };
      return;
    }
    if (!session.value.hasAccess) session.value = { hasAccess: false, reason: messageOf(error) };
    // without a connection, the next one is followed by a check
    if (connection.value.state === "live") setTimeout(() => void check(), RETRY_MS);
  }
}

/**
 * Cancels a campaign or reruns its unfinished runs. Returns the number of affected runs.
 * @param only numbers of the runs to retry; undefined: all.
 */
export async function change(
  id: string,
  action: "cancel" | "retry",
  only?: readonly number[],
): Promise<number> {
  const path = `/api/campaigns/${encodeURIComponent(id)}/${action}`;
  const body = only === undefined ? null : JSON.stringify({ runs: rangesOf(only) });
  const { runs } = await askJson<{ runs: number }>(path, { method: "POST", body });
  return runs;
}
