import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Overview, Summary } from "../../model/dashboard.ts";
import { count, estimate, rate } from "./base/format.ts";
import { follow } from "./base/live.ts";
import { Link } from "./base/location.tsx";
import { StateBar, StateCounts } from "./base/state-bar.tsx";
import { Waiting } from "./connection-status.tsx";
import { noteSwarm } from "./swarm/brief.ts";

const overview = signal<Overview | undefined>(undefined);
const SHORT: Intl.DateTimeFormatOptions = { dateStyle: "short", timeStyle: "short" };

/** A row for each campaign of the swarm. */
export function OverviewPage(): JSX.Element {
  useEffect(() => {
    document.title = "Campaigns";
    return follow("/api/campaigns", (answer) => {
      overview.value = answer as Overview;
      noteSwarm(overview.value.swarm);
    });
  }, []);
  if (overview.value === undefined) return <Waiting heading="Campaigns" />;
  const { campaigns, damaged } = overview.value;
  if (campaigns.length === 0 && damaged.length === 0)
    return (
      <>
        <h1>Campaigns</h1>
        <p class="quiet">
          No campaigns yet. In a study’s folder, run: <code>runall-swarm -c Config</code>
        </p>
      </>
    );
  return (
    <>
      <h1>Campaigns</h1>
      <div class="scroll" tabIndex={0} role="region" aria-label="campaigns">
        <table class="overview">
          <thead>
            <tr>
              <th scope="col">Campaign</th>
              <th scope="col">Study</th>
              <th scope="col">User</th>
              <th scope="col">Progress</th>
              <th scope="col" class="number">
                Rate
              </th>
              <th scope="col" class="number">
                Time left
              </th>
              <th scope="col" class="number">
                Submitted
              </th>
            </tr>
          </thead>
          <tbody>
            {campaigns.map((summary) => (
              <CampaignRow key={summary.id} summary={summary} />
            ))}
          </tbody>
        </table>
      </div>
      {damaged.map(({ id, trouble }) => (
        <p key={id} class="error">{`Campaign ${id} cannot be shown: ${trouble}`}</p>
      ))}
    </>
  );
}

function CampaignRow({ summary }: { summary: Summary }): JSX.Element {
  const { id, config, study, user, states, cancelled, uncollected, leftMs, createdAt, trouble } = summary;
  return (
    <tr data-campaign={id}>
      <td>
        <Link href={`/campaigns/${encodeURIComponent(id)}`}>{config}</Link>
        <div class="quiet one-line">{cancelled ? `${id}, cancelled` : id}</div>
      </td>
      <td class="at-study">{study}</td>
      <td class="at-user">{user}</td>
      <td class="at-progress">
        <StateBar states={states} />
        <div class="counts quiet">
          <StateCounts states={states} />
          {uncollected > 0 && (
            <span>{`${count(uncollected)} to collect; run: runall-swarm attach ${id}`}</span>
          )}
        </div>
        {trouble !== undefined && <div class="error">{trouble}</div>}
      </td>
      <td class="number at-rate">{rate(summary)}</td>
      <td class="number at-left">{leftMs === undefined ? "" : estimate(leftMs)}</td>
      <td class="number at-queued">{new Date(createdAt).toLocaleString(undefined, SHORT)}</td>
    </tr>
  );
}
