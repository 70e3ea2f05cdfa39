import type { JSX } from "preact";
import { connection } from "./base/live.ts";
import { Link, path } from "./base/location.tsx";
import { CampaignPage } from "./campaign.tsx";
import { ConnectionStatus, LostConnection } from "./connection-status.tsx";
import { OverviewPage } from "./overview.tsx";
import { SwarmPage } from "./swarm/swarm-page.tsx";
import { SwarmStatus } from "./swarm/swarm-status.tsx";

const SWARM = "/swarm";

/** The page: a campaign, all of them, or the swarm. */
export function App(): JSX.Element {
  return (
    <>
      <header>
        <nav aria-label="dashboard">
          <Link href="/" aria-current={path.value === "/" ? "page" : undefined}>
            Campaigns
          </Link>
          <Link href="/swarm" aria-current={path.value === SWARM ? "page" : undefined}>
            Swarm
          </Link>
          <a href="/queues">Queues</a>
        </nav>
        <SwarmStatus />
        <ConnectionStatus />
      </header>
      <LostConnection />
      <main class={connection.value.state === "lost" ? "stale" : ""}>
        <Shown />
      </main>
    </>
  );
}

function Shown(): JSX.Element {
  if (path.value === SWARM) return <SwarmPage />;
  const [, id] = /^\/campaigns\/([^/]+)$/.exec(path.value) ?? [];
  return id === undefined ? <OverviewPage /> : <CampaignPage key={id} id={decoded(id)} />;
}

/** Returns a part of a path; as it is if it is not well-formed. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
