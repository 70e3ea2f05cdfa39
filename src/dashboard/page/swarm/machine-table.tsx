import type { JSX } from "preact";
import type { Machine } from "../../../model/dashboard.ts";
import { counted } from "../base/format.ts";

/** The machines with their workers. */
export function MachineTable({ machines }: { machines: readonly Machine[] }): JSX.Element {
  if (machines.length === 0)
    return (
      <p class="quiet">
        No worker is connected. To see why, run: <code>swarm-tool status</code>
      </p>
    );
  return (
    <div class="scroll" tabIndex={0} role="region" aria-labelledby="machines">
      <table>
        <thead>
          <tr>
            <th scope="col">Machine</th>
            <th scope="col">Runners busy</th>
          </tr>
        </thead>
        <tbody>
          {machines.map((machine) => (
            <MachineRow key={machine.name} machine={machine} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function MachineRow({ machine }: { machine: Machine }): JSX.Element {
  const { name, roles, slots, busy, storing, isConnected, troubles } = machine;
  const number = slots === undefined ? `${busy}` : `${busy} of ${slots}`;
  return (
    <tr data-machine={name}>
      <td>
        {name === "" ? "unknown machine" : name}
        <div class="quiet">{roles.join(", ")}</div>
        {!isConnected && <div class="error">{name === "" ? "runs of unknown workers" : "not connected"}</div>}
        {troubles.map((trouble) => (
          <div key={trouble} class="error">
            {trouble}
          </div>
        ))}
      </td>
      <td class="at-busy">
        {slots !== undefined && slots > 0 && (
          <div class="bar" aria-hidden="true">
            <i class="is-running" style={{ width: `${(100 * busy) / slots}%` }} />
          </div>
        )}
        <div>
          {roles.includes("runner") || busy > 0 ? number : "no runner"}
          {storing > 0 && <span class="quiet">{`, storing ${counted(storing, "result")}`}</span>}
        </div>
      </td>
    </tr>
  );
}
