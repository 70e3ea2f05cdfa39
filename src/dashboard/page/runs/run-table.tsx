import { useComputed, useSignal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { JSX, RefObject } from "preact";
import { useEffect, useLayoutEffect } from "preact/hooks";
import type { Row } from "../base/data.ts";
import { now } from "../base/live.ts";
import { parameters, setParameters } from "../base/location.tsx";
import { kindOf } from "../base/states.ts";
import { setQuery, type CampaignData } from "../campaign-data.ts";
import { columnsOf, windowOf, type Column } from "./columns.ts";
import { elapsedAt, sortRows } from "./fields.ts";

/** Height of a row in pixels, as in style.css: all are equal, so that only the visible ones are drawn. */
const ROW_HEIGHT = 32;
/** Rows beside the visible ones, so that scrolling shows no gaps. */
const MARGIN = 12;

type Place = RefObject<HTMLDivElement | null>;

interface TableProps {
  campaign: CampaignData;
  place: Place;
}

/** The table of the runs that match the query, of which only the visible part is drawn. */
export function RunTable({ campaign, place }: TableProps): JSX.Element {
  const { view, measure } = useView(place);
  const active = useSignal<number | undefined>(undefined);
  const all = useComputed(() => sortedRows(campaign)).value;
  const columns = columnsOf(campaign.variables.value, elapsedAt(now.value), campaign.scalars.value);
  const { first, last } = windowOf(all.length, { ...view.value, rowHeight: ROW_HEIGHT, margin: MARGIN });
  const shown = all.slice(first, last);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget) return;
    const moved = move(event.key, all, active.value, view.value.height);
    if (moved === undefined) return;
    event.preventDefault();
    active.value = all[moved]?.runNumber;
    scrollTo(place.current!, moved);
  };
  const isActiveShown = shown.some(({ runNumber }) => runNumber === active.value);
  return (
    <section aria-label="runs">
      <div
        ref={place}
        class="scroll run-place"
        role="grid"
        aria-label="runs"
        aria-rowcount={all.length + 1}
        aria-colcount={columns.length}
        aria-activedescendant={isActiveShown ? `run-${active.value}` : undefined}
        tabIndex={0}
        onScroll={measure}
        onKeyDown={onKeyDown}
      >
        <table class="runs" role="presentation">
          <TableHead columns={columns} />
          <Gap rows={first} />
          <Lines rows={shown} first={first} columns={columns} active={active} />
          <Gap rows={all.length - last} />
        </table>
      </div>
      {all.length === 0 && (
        <p class="quiet">
          No run matches the filter.{" "}
          <button type="button" onClick={() => setQuery("", { push: true })}>
            Show all runs
          </button>
        </p>
      )}
    </section>
  );
}

/** Returns what is visible of a place that scrolls, in pixels, and a function that measures it. */
function useView(place: Place): {
  view: ReadonlySignal<{ top: number; height: number }>;
  measure: () => void;
} {
  const view = useSignal({ top: 0, height: 600 });
  const measure = (): void => {
    if (place.current === null) return; // an observer may call after the table is gone
    const { scrollTop, clientHeight } = place.current;
    if (scrollTop !== view.value.top || clientHeight !== view.value.height)
      view.value = { top: scrollTop, height: clientHeight };
  };
  useLayoutEffect(measure);
  useEffect(() => {
    const observer = new ResizeObserver(measure);
    observer.observe(place.current!);
    return () => observer.disconnect();
  }, []);
  return { view, measure };
}

interface LinesProps {
  rows: readonly Row[];
  /** Index of the first row. */
  first: number;
  columns: Column[];
  active: Signal<number | undefined>;
}

function Lines({ rows, first, columns, active }: LinesProps): JSX.Element {
  const chosen = parameters.value.get("run");
  return (
    <tbody role="rowgroup">
      {rows.map((row, index) => (
        <Line
          key={row.runNumber}
          row={row}
          index={first + index}
          columns={columns}
          isActive={row.runNumber === active.value}
          isChosen={`${row.runNumber}` === chosen}
          open={() => {
            active.value = row.runNumber;
            openRun(row.runNumber);
          }}
        />
      ))}
    </tbody>
  );
}

function openRun(runNumber: number): void {
  setParameters({ run: `${runNumber}` });
}

/** Returns the rows in the order that the URL names: `sort=$delay`, or `sort=-$delay` for descending values. */
function sortedRows({ matching, fields }: CampaignData): readonly Row[] {
  const { name, isDescending } = sorting();
  const field = fields.value.get(name);
  if (field === undefined || (name === "run" && !isDescending)) return matching.value;
  return sortRows(matching.value, field, isDescending);
}

function sorting(): { name: string; isDescending: boolean } {
  const text = parameters.value.get("sort") ?? "run";
  return { name: text.replace(/^-/, ""), isDescending: text.startsWith("-") };
}

function TableHead({ columns }: { columns: Column[] }): JSX.Element {
  const { name, isDescending } = sorting();
  return (
    <thead role="rowgroup">
      <tr role="row" aria-rowindex={1}>
        {columns.map(({ field, title, isNumber, isMinor }) => {
          const isSorted = field === name;
          const next = isSorted && !isDescending ? `-${field}` : field;
          return (
            <th
              key={field}
              role="columnheader"
              class={classes(isNumber && "number", isMinor && "minor")}
              aria-sort={isSorted ? (isDescending ? "descending" : "ascending") : "none"}
            >
              <button
                type="button"
                onClick={() => setParameters({ sort: next === "run" ? undefined : next })}
              >
                {title}
                <span aria-hidden="true">{isSorted ? (isDescending ? " ▾" : " ▴") : ""}</span>
              </button>
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

/** Takes the place of rows that are not drawn. */
function Gap({ rows }: { rows: number }): JSX.Element | null {
  if (rows <= 0) return null;
  return (
    <tbody role="presentation" aria-hidden="true">
      <tr style={{ height: `${rows * ROW_HEIGHT}px` }} />
    </tbody>
  );
}

interface LineProps {
  row: Row;
  index: number;
  columns: Column[];
  isActive: boolean;
  isChosen: boolean;
  open: () => void;
}

function Line({ row, index, columns, isActive, isChosen, open }: LineProps): JSX.Element {
  return (
    <tr
      id={`run-${row.runNumber}`}
      role="row"
      data-run={row.runNumber}
      class={classes(isActive && "active", isChosen && "chosen")}
      aria-rowindex={index + 2}
      aria-selected={isChosen}
      onClick={open}
    >
      {columns.map(({ field, isNumber, isMinor, text }) => {
        const content = text(row);
        return (
          <td
            key={field}
            role="gridcell"
            class={classes(isNumber && "number", isMinor && "minor", field === "error" && "at-error")}
            title={content.length > 20 ? content : undefined}
          >
            {field === "state" ? <span class={`state is-${kindOf(row.state)}`}>{content}</span> : content}
          </td>
        );
      })}
    </tr>
  );
}

function classes(...names: (string | false | undefined)[]): string {
  return names.filter(Boolean).join(" ");
}

/** Returns the index of the row to which a key leads; undefined if the key does not move. Enter opens the row. */
function move(
  key: string,
  rows: readonly Row[],
  active: number | undefined,
  height: number,
): number | undefined {
  const current = rows.findIndex(({ runNumber }) => runNumber === active);
  const page = Math.max(1, Math.floor(height / ROW_HEIGHT) - 2);
  const last = rows.length - 1;
  const targets: Record<string, number> = {
    ArrowDown: current + 1,
    ArrowUp: current < 0 ? last : current - 1,
    PageDown: current + page,
    PageUp: current - page,
    Home: 0,
    End: last,
  };
  if ((key === "Enter" || key === " ") && current >= 0) {
    openRun(rows[current]!.runNumber);
    return current;
  }
  const target = targets[key];
  return target === undefined || last < 0 ? undefined : Math.min(last, Math.max(0, target));
}

/** Scrolls as little as necessary to show a row below the table's head. */
function scrollTo(place: HTMLElement, index: number): void {
  const top = index * ROW_HEIGHT;
  const visible = place.clientHeight - 2 * ROW_HEIGHT;
  if (top < place.scrollTop) place.scrollTop = top;
  else if (top > place.scrollTop + visible) place.scrollTop = top - visible;
}
