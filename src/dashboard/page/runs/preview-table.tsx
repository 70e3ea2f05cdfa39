import type { JSX } from "preact";
import { FoldedTable } from "../base/folded-table.tsx";
import { count, exact, titleWithUnit } from "../base/format.ts";
import { barsOf, type Histogram } from "./histogram.ts";
import type { VectorSeries } from "./vector.ts";

const TITLE = "Table of values";

/** The points of a vector's figure. */
export function VectorTable({ series }: { series: VectorSeries }): JSX.Element {
  const { vector, points, count: all, isReduced } = series;
  return (
    <FoldedTable
      title={TITLE}
      label={`values of ${vector.name}`}
      texts={[]}
      numbers={["Simulation time [s]", titleWithUnit("Value", vector.unit)]}
      rows={points}
      cellsOf={(point) => point.map(exact)}
    >
      {isReduced && (
        <p class="note">
          {`Not all values: of ${count(all)}, the table has the least and the greatest one of each of many intervals, ${count(points.length)} together, as the figure does. The file has all.`}
        </p>
      )}
    </FoldedTable>
  );
}

/** The bins of a histogram, and what is below and above them. */
export function HistogramTable({ histogram }: { histogram: Histogram }): JSX.Element {
  const { name, unit, edges, values, underflow, overflow } = histogram;
  const bins = values.map((value, index) => [edges[index]!, edges[index + 1]!, value]);
  const [first, last] = [edges[0]!, edges.at(-1)!];
  const rows = [
    ...(underflow > 0 ? [[-Infinity, first, underflow]] : []),
    ...bins,
    ...(overflow > 0 ? [[last, Infinity, overflow]] : []),
  ];
  const what = barsOf(histogram).title.startsWith("weight") ? "Weight" : "Observations";
  return (
    <FoldedTable
      title={TITLE}
      label={`bins of ${name}`}
      texts={[]}
      numbers={[titleWithUnit("From", unit), titleWithUnit("To (excluded)", unit), what]}
      rows={rows}
      cellsOf={(row) => row.map((value) => exact(value).replace("Infinity", "∞").replace("-", "−"))}
    />
  );
}
