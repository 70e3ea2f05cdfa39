import type { JSX } from "preact";
import { endText, runnersText, swarmBrief } from "./brief.ts";

/** How many runners are busy, and when the last campaign is expected to end: on every page. */
export function SwarmStatus(): JSX.Element | null {
  if (swarmBrief.value === undefined) return null;
  const { brief, at } = swarmBrief.value;
  const end = endText(brief, at);
  return (
    <span class="swarm-status quiet">
      <span>{runnersText(brief)}</span>
      {end !== "" && <span title="when the last campaign of the swarm is expected to end">{end}</span>}
    </span>
  );
}
