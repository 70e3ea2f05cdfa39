import type { JSX } from "preact";
import { useSignal } from "@preact/signals";
import { amount, count } from "../base/format.ts";
import { plain, type Axes, type FigureData } from "./figure-data.ts";

/** Number of points in the table, which a browser draws quickly; a file has all. */
const MOST_LINES = 500;

/** The values of a figure, also for those who cannot see it. */
export function FigureTable({ data, axes }: { data: FigureData; axes: Axes }): JSX.Element {
  const isOpen = useSignal(false);
  return (
    <details onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary>Table of values</summary>
      {isOpen.value && <Values data={data} axes={axes} />}
    </details>
  );
}

function Values({ data, axes }: { data: FigureData; axes: Axes }): JSX.Element {
  const lines = data.facets.flatMap((facet) =>
    facet.lines.flatMap((line) =>
      line.points.map((point) => ({ name: [facet.label, line.label].filter(Boolean).join(", "), point })),
    ),
  );
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="values">
      <table>
        <thead>
          <tr>
            <th scope="col">Line</th>
            <th scope="col">{plain(axes.x)}</th>
            {["n", "mean", "± (95 %)", "min", "max"].map((title) => (
              <th key={title} scope="col" class="number">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.slice(0, MOST_LINES).map(({ name, point: { x, summary } }) => (
            <tr key={`${name} ${x}`}>
              <td>{name}</td>
              <td>{x}</td>
              <td class="number">{count(summary.n)}</td>
              <td class="number">{amount(summary.mean)}</td>
              <td class="number">{amount(summary.halfWidth)}</td>
              <td class="number">{amount(summary.min)}</td>
              <td class="number">{amount(summary.max)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {lines.length > MOST_LINES && (
        <p class="quiet">{`${count(lines.length - MOST_LINES)} more: export the CSV file`}</p>
      )}
    </div>
  );
}
