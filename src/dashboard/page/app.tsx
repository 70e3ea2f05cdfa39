import type { JSX } from "preact";
import { connection } from "./base/live.ts";
import { Link, path } from "./base/location.tsx";
import { CampaignPage } from "./campaign.tsx";
import { ConnectionStatus, LostConnection } from "./connection-status.tsx";
import { OverviewPage } from "./overview.tsx";

/** The page: a campaign, or all of them. */
export function App(): JSX.Element {
  const [, id] = /^\/campaigns\/([^/]+)$/.exec(path.value) ?? [];
  return (
    <>
      <header>
        <Link href="/" class="home">
          Campaigns
        </Link>
        <a href="/queues">Queues</a>
        <ConnectionStatus />
      </header>
      <LostConnection />
      <main class={connection.value.state === "lost" ? "stale" : ""}>
        {id === undefined ? <OverviewPage /> : <CampaignPage key={id} id={decoded(id)} />}
      </main>
    </>
  );
}

/** Returns a part of a path; as it is if it is not well-formed. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
