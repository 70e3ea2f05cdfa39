import type { JSX } from "preact";
import type { Summary } from "../../model/dashboard.ts";
import { counted } from "./base/format.ts";
import { session } from "./base/session.ts";
import { useAction } from "./use-action.ts";

/** The buttons that change a campaign, each only while it does something. */
export function ActionBar({ summary }: { summary: Summary }): JSX.Element {
  const { id, uncollected } = summary;
  const { cancel, retry, hint } = summary.actions;
  const { act, answer, isOff } = useAction(id);
  return (
    <div class="bar-line">
      {cancel && (
        <button
          type="button"
          disabled={isOff}
          onClick={() => void act("cancel", "Cancel queued runs and stop running simulations?")}
        >
          Cancel
        </button>
      )}
      {retry > 0 && (
        <button
          type="button"
          disabled={isOff}
          onClick={() => void act("retry", `Execute ${counted(retry, "failed or cancelled run")} again?`)}
        >
          {`Retry ${counted(retry, "run")}`}
        </button>
      )}
      {!session.value.hasAccess && (cancel || retry > 0) && <span class="quiet">{session.value.reason}</span>}
      <span role="status">{answer}</span>
      {uncollected > 0 && (
        <span class="quiet">{`${counted(uncollected, "run")} to collect; run: runall-swarm attach ${id}`}</span>
      )}
      {hint !== undefined && <span class="quiet">{hint}</span>}
    </div>
  );
}
