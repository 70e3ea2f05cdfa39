import { effect, signal } from "@preact/signals";
import { rangesOf } from "../../../model/whole-number.ts";
import { connection } from "./live.ts";
import { AnswerError, askJson, authorization, messageOf, ownToken } from "./request.ts";

/** Whether this tab may cancel and retry runs; otherwise `reason` says what to do. */
export type Session = { mayAct: true } | { mayAct: false; reason: string };

const WITHOUT_TOKEN =
  "to cancel or retry runs, open the address that this command prints: swarm-tool dashboard";

export const session = signal<Session>({ mayAct: false, reason: "" });

/** Asks whether the tab's token is valid, each time that a connection is made: it may be with another server. */
export function watchSession(): void {
  let wasLive = false;
  effect(() => {
    const isLive = connection.value.state === "live";
    if (isLive && !wasLive) void check();
    wasLive = isLive;
  });
}

async function check(): Promise<void> {
  if (ownToken() === undefined) {
    session.value = { mayAct: false, reason: WITHOUT_TOKEN };
    return;
  }
  try {
    await askJson("/api/session", { headers: authorization() });
    session.value = { mayAct: true };
  } catch (error) {
    const isRefused = error instanceof AnswerError && error.status === 403;
    const reason = isRefused ? `the token of this address is not valid: ${WITHOUT_TOKEN}` : messageOf(error);
    session.value = { mayAct: false, reason };
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
  const { runs } = await askJson<{ runs: number }>(path, { method: "POST", headers: authorization(), body });
  return runs;
}
