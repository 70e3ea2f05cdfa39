import { useSignal } from "@preact/signals";
import { counted } from "./base/format.ts";
import { messageOf } from "./base/request.ts";
import { change, session } from "./base/session.ts";

/** Something that changes a campaign, after a question. */
interface Action {
  act: (action: "cancel" | "retry", question: string, only?: readonly number[]) => Promise<void>;
  /** What the last action did, or why it did not. */
  answer: string;
  /** Whether the user may not act, or the last action has not been answered yet. */
  isOff: boolean;
}

/** Returns how to change a campaign. @param id of the campaign */
export function useAction(id: string): Action {
  const answer = useSignal("");
  const isBusy = useSignal(false);
  return {
    answer: answer.value,
    isOff: !session.value.hasAccess || isBusy.value,
    async act(action, question, only) {
      if (!confirm(question)) return;
      isBusy.value = true;
      try {
        const runs = await change(id, action, only);
        answer.value =
          action === "cancel"
            ? `cancelled ${counted(runs, "queued run")}`
            : `requeued ${counted(runs, "run")}; to collect them, run: runall-swarm attach ${id}`;
      } catch (error) {
        answer.value = messageOf(error);
      } finally {
        isBusy.value = false;
      }
    },
  };
}
