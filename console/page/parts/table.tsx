/** A table of any length: only the rows in sight are drawn, in a real table with its count and places told. */
import { Decimal } from 'decimal.js';
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

const rowHeight = 36;
/** Shorter ones are drawn whole. */
const drawnWhole = 50;
const beyond = 6;

export interface Column<T> {
  readonly name: string;
  readonly cell: (row: T) => ComponentChildren;
  /** Numbers stand to the right, in figures of one width. */
  readonly isNumber?: boolean;
  /** Left out on a narrow screen: 1 on a tablet, 2 already on a small laptop. */
  readonly spare?: 1 | 2;
  /** What it is sorted by; none, and it is not sorted. Decimal text is compared as a number. */
  readonly by?: (row: T) => string | number;
}

export interface TableProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  /** Column and direction at first. */
  readonly sorted?: readonly [name: string, direction: 'up' | 'down'];
  readonly open?: (row: T) => void;
  readonly openLabel?: (row: T) => string;
}

interface Sorting {
  readonly name: string;
  readonly isUp: boolean;
}

export function Table<T>({ label, columns, rows, keyOf, sorted, open, openLabel }: TableProps<T>) {
  const [sorting, setSorting] = useState<Sorting | undefined>(
    sorted && { name: sorted[0], isUp: sorted[1] === 'up' },
  );
  const inOrder = useMemo(() => sortRows(rows, columns, sorting), [rows, columns, sorting]);
  const { box, onScroll, from, to } = useWindow(inOrder.length);
  const shown = inOrder.slice(from, to);
  const above = from * rowHeight;
  const below = (inOrder.length - to) * rowHeight;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reached by the keyboard
    <section class="table-box" ref={box} onScroll={onScroll} tabIndex={0} aria-label={`${label}, scrolls`}>
      <table aria-rowcount={inOrder.length + 1} aria-label={label}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column) => (
              <Head key={column.name} column={column} sorting={sorting} sort={setSorting} />
            ))}
          </tr>
        </thead>
        <Gap height={above} columns={columns.length} />
        <tbody>
          {shown.map((row, at) => (
            <tr
              key={keyOf(row)}
              aria-rowindex={from + at + 2}
              class={open ? 'opens' : undefined}
              onClick={open && (() => open(row))}
            >
              {columns.map((column, place) => (
                <td key={column.name} class={classOf(column)}>
                  {open !== undefined && place === 0 ? (
                    <button
                      type="button"
                      class="cell-button"
                      aria-label={openLabel?.(row)}
                      onClick={(event) => {
                        event.stopPropagation();
                        open(row);
                      }}
                    >
                      {column.cell(row)}
                    </button>
                  ) : (
                    column.cell(row)
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
        <Gap height={below} columns={columns.length} />
      </table>
    </section>
  );
}

/** Room of the rows that are not drawn. */
function Gap({ height, columns }: { height: number; columns: number }) {
  if (height <= 0) return null;
  return (
    <tbody aria-hidden="true" class="gap">
      <tr>
        <td colSpan={columns} style={{ height: `${height}px` }} />
      </tr>
    </tbody>
  );
}

function Head<T>({
  column,
  sorting,
  sort,
}: {
  column: Column<T>;
  sorting: Sorting | undefined;
  sort: (sorting: Sorting) => void;
}) {
  const { name, by } = column;
  if (by === undefined)
    return (
      <th scope="col" class={classOf(column)}>
        {name}
      </th>
    );
  const isMine = sorting?.name === name;
  const direction = isMine ? (sorting.isUp ? 'ascending' : 'descending') : 'none';
  return (
    <th scope="col" class={classOf(column)} aria-sort={direction}>
      <button type="button" class="sort" onClick={() => sort({ name, isUp: isMine ? !sorting.isUp : true })}>
        {name}
        <span aria-hidden="true">{isMine ? (sorting.isUp ? '▲' : '▼') : ''}</span>
      </button>
    </th>
  );
}

function classOf({ isNumber, spare }: Column<never>): string {
  return `${isNumber ? 'number' : ''} ${spare === undefined ? '' : `spare${spare}`}`.trim();
}

/** Which rows are in sight. */
function useWindow(length: number) {
  const box = useRef<HTMLElement>(null);
  const [place, setPlace] = useState({ top: 0, height: 1_000 });
  const look = () => {
    const element = box.current;
    if (element === null) return;
    // Only when another row comes into sight is anything drawn anew.
    const top = Math.floor(element.scrollTop / rowHeight / 4) * rowHeight * 4;
    const height = element.clientHeight;
    setPlace((before) => (before.top === top && before.height === height ? before : { top, height }));
  };
  useEffect(look, [length]);
  useEffect(() => {
    addEventListener('resize', look);
    return () => removeEventListener('resize', look);
  }, []);
  if (length <= drawnWhole) return { box, onScroll: look, from: 0, to: length };
  const from = Math.max(0, Math.min(length - drawnWhole, Math.floor(place.top / rowHeight) - beyond));
  const to = Math.min(length, from + Math.ceil(place.height / rowHeight) + 2 * beyond + 4);
  return { box, onScroll: look, from, to };
}

function sortRows<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  sorting: Sorting | undefined,
): readonly T[] {
  const column = columns.find(({ name }) => name === sorting?.name);
  const by = column?.by;
  if (sorting === undefined || by === undefined) return rows;
  const sign = sorting.isUp ? 1 : -1;
  const keyed = rows.map((row) => [sortKey(by(row), column?.isNumber ?? false), row] as const);
  keyed.sort(([a], [b]) => sign * compare(a, b));
  return keyed.map(([, row]) => row);
}

/** So many digits keep their order as floating-point numbers; anything longer is compared as a decimal. */
const digitsInOrder = 15;

function sortKey(value: string | number, isNumber: boolean): string | number | Decimal {
  if (!isNumber || typeof value === 'number') return value;
  if (value.length <= digitsInOrder) return Number(value) || 0;
  return /^-?\d+(\.\d+)?$/.test(value) ? new Decimal(value) : 0;
}

function compare(a: string | number | Decimal, b: string | number | Decimal): number {
  if (a instanceof Decimal) return a.comparedTo(b);
  if (b instanceof Decimal) return -b.comparedTo(a);
  return a < b ? -1 : a > b ? 1 : 0;
}
