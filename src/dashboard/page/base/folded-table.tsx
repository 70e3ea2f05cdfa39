import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { count } from "./format.ts";

/** Number of rows that a browser draws quickly. */
const STEP = 500;

interface TableProps<T> {
  title: string;
  /** Name of the table for those who cannot see it. */
  label: string;
  /** Titles of the columns; those of texts come first. */
  texts: readonly string[];
  numbers: readonly string[];
  rows: readonly T[];
  cellsOf: (row: T) => string[];
  /** Notes below the table. */
  children?: ComponentChildren;
}

/** A table that is in the document only while it is open, at first with a part of its rows. */
export function FoldedTable<T>(props: TableProps<T>): JSX.Element {
  const isOpen = useSignal(false);
  return (
    <details onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary>{props.title}</summary>
      {isOpen.value && <OpenTable {...props} />}
    </details>
  );
}

function OpenTable<T>({ label, texts, numbers, rows, cellsOf, children }: TableProps<T>): JSX.Element {
  const most = useSignal(STEP);
  const left = rows.length - most.value;
  const classOf = (column: number): string => (column < texts.length ? "" : "number");
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={label}>
        <table>
          <thead>
            <tr>
              {[...texts, ...numbers].map((title, column) => (
                <th key={title} scope="col" class={classOf(column)}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, most.value).map((row, index) => (
              <tr key={index}>
                {cellsOf(row).map((cell, column) => (
                  <td key={column} class={classOf(column)}>
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {left > 0 && (
        <p class="note">
          {`The first ${count(most.value)} of ${count(rows.length)} rows. `}
          <button type="button" onClick={() => (most.value += STEP)}>
            {`Show ${count(Math.min(STEP, left))} more`}
          </button>
        </p>
      )}
      {children}
    </>
  );
}
