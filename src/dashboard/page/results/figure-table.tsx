import type { JSX } from "preact";
import { FoldedTable } from "../base/folded-table.tsx";
import { amount, count } from "../base/format.ts";
import { plain, type Axes, type FigureData } from "./figure-data.ts";

/** The values of a figure, also for those who cannot see it. */
export function FigureTable({ data, axes }: { data: FigureData; axes: Axes }): JSX.Element {
  const rows = data.facets.flatMap((facet) =>
    facet.lines.flatMap((line) =>
      line.points.map((point) => ({ name: [facet.label, line.label].filter(Boolean).join(", "), point })),
    ),
  );
  return (
    <FoldedTable
      title="Table of values"
      label="values"
      texts={["Line", plain(axes.x)]}
      numbers={["n", "mean", "± (95 %)", "min", "max"]}
      rows={rows}
      cellsOf={({ name, point: { x, summary } }) => [
        name,
        x,
        count(summary.n),
        ...[summary.mean, summary.halfWidth, summary.min, summary.max].map(amount),
      ]}
    />
  );
}
