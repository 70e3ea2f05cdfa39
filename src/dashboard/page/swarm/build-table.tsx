import type { JSX } from "preact";
import { estimateBuildLeft } from "../../../model/build-progress.ts";
import type { Build } from "../../../model/dashboard.ts";
import { counted, duration, estimate } from "../base/format.ts";

/** The builds that are running or waiting, with their progress. */
export function BuildTable({ builds }: { builds: readonly Build[] }): JSX.Element {
  if (builds.length === 0) return <p class="quiet">No build is running or waiting.</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-labelledby="builds">
      <table>
        <thead>
          <tr>
            <th scope="col">Project</th>
            <th scope="col">Progress</th>
          </tr>
        </thead>
        <tbody>
          {builds.map((build, index) => (
            <BuildRow key={index} build={build} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function BuildRow({ build }: { build: Build }): JSX.Element {
  const { state, project, mode, omnetpp, host, progress } = build;
  const facts = [mode, `OMNeT++ ${omnetpp}`, ...(host === undefined ? [] : [`on ${host}`])];
  return (
    <tr>
      <td>
        {project}
        <div class="quiet">{facts.join(", ")}</div>
      </td>
      <td class="at-busy">
        {progress === undefined ? state : <Progress project={project} progress={progress} />}
      </td>
    </tr>
  );
}

function Progress({
  project,
  progress,
}: {
  project: string;
  progress: NonNullable<Build["progress"]>;
}): JSX.Element {
  const { started, total, file, elapsedMs } = progress;
  const left = estimateBuildLeft(progress);
  const files = total === undefined ? counted(started, "file") : `${started} of ${counted(total, "file")}`;
  const time =
    left === undefined ? duration(elapsedMs) : `${duration(elapsedMs)}, about ${estimate(left)} left`;
  return (
    <>
      {total !== undefined && total > 0 && (
        <progress value={started} max={total} aria-label={`files of ${project} compiled`} />
      )}
      <div>
        {files} {file !== undefined && <code>{file}</code>}
      </div>
      <div class="quiet">{time}</div>
    </>
  );
}
