import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Swarm } from "../../../model/dashboard.ts";
import { count, estimate } from "../base/format.ts";
import { follow } from "../base/live.ts";
import { Waiting } from "../connection-status.tsx";
import { endText, noteSwarm, runnersText, swarmBrief } from "./brief.ts";
import { BuildTable } from "./build-table.tsx";
import { MachineTable } from "./machine-table.tsx";

const swarm = signal<Swarm | undefined>(undefined);

/** The swarm: its machines with their runners, its queue and its builds. */
export function SwarmPage(): JSX.Element {
  useEffect(() => {
    document.title = "Swarm";
    return follow("/api/swarm", (answer) => {
      swarm.value = answer as Swarm;
      noteSwarm(swarm.value);
    });
  }, []);
  if (swarm.value === undefined) return <Waiting heading="Swarm" />;
  const { machines, builds } = swarm.value;
  return (
    <>
      <h1>Swarm</h1>
      <Figures swarm={swarm.value} />
      <section>
        <h2 id="machines">Machines</h2>
        <MachineTable machines={machines} />
      </section>
      <section>
        <h2 id="builds">Builds</h2>
        <BuildTable builds={builds} />
      </section>
    </>
  );
}

function Figures({ swarm }: { swarm: Swarm }): JSX.Element {
  const { waiting, running, delayed, uncollected } = swarm.queue;
  const { leftMs } = swarm;
  const end = endText(swarm, swarmBrief.value?.at ?? Date.now());
  const runs = [
    ["waiting", count(waiting)],
    ["running", count(running)],
    ["held back", count(delayed)],
    ["to collect", count(uncollected)],
  ] as const;
  return (
    <>
      <p class="headline">{runnersText(swarm)}</p>
      <p class="note">
        {end === ""
          ? "No run is left to be executed."
          : `The last campaign ${end}${leftMs === undefined ? "" : `, in ${estimate(leftMs)}`}.`}
      </p>
      <h2 id="queue">Runs in the queue</h2>
      <dl class="facts" aria-labelledby="queue">
        {runs.map(([name, number]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="figure-number">{number}</dd>
          </div>
        ))}
      </dl>
      {delayed > 0 && (
        <p class="quiet">
          Runs are held back by their campaign’s <code>-j</code>, or for a moment after a worker has handed
          them back.
        </p>
      )}
    </>
  );
}
