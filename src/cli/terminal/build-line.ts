import { estimateBuildLeft, type BuildProgress } from "../../model/build-progress.ts";
import { formatDuration, formatEstimate } from "./format.ts";
import { shorten, textWidth } from "./text-width.ts";

/** The progress of a build, and its text for the status line. */
export class BuildLine {
  readonly #project: string;
  readonly #now: () => number;
  readonly #askedAt: number;
  #last: { progress: BuildProgress; at: number } | undefined;

  constructor(project: string, now: () => number) {
    this.#project = project;
    this.#now = now;
    this.#askedAt = now();
  }

  report(progress: BuildProgress): void {
    this.#last = { progress, at: this.#now() };
  }

  /**
   * Returns a line such as `building mm1… [17/60] Server.cc, 1 min 20 s, about 3 min left`. Omits the least important
   * parts that do not fit.
   */
  line(columns: number): string {
    const now = this.#now();
    const { progress, at } = this.#last ?? { progress: undefined, at: now };
    const elapsedMs = progress === undefined ? now - this.#askedAt : progress.elapsedMs + now - at;
    const leftMs = progress && estimateBuildLeft({ ...progress, elapsedMs });
    const building = `building ${this.#project}…`;
    const count = progress === undefined ? "" : countOf(progress);
    const file = progress?.file === undefined ? "" : ` ${progress.file}`;
    const time = `${count === "" ? " " : ", "}${formatDuration(elapsedMs)}`;
    const left = leftMs === undefined ? "" : `, about ${formatEstimate(leftMs)} left`;
    const lines = [
      building + count + file + time + left,
      building + count + time + left,
      building + count + time,
    ];
    return lines.find((line) => textWidth(line) <= columns) ?? shorten(building, columns);
  }
}

/** Returns ` [17/60]`, or ` [17]` if the number of files is unknown. */
function countOf({ started, total }: BuildProgress): string {
  if (started === 0) return "";
  return ` [${started}${total === undefined ? "" : `/${total}`}]`;
}
