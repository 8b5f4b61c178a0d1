/** What a benchmark found out, and how it stands beside its budget. */

export interface Budget {
  readonly kind: 'at-least' | 'at-most';
  readonly value: number;
}

export interface Figure {
  readonly name: string;
  readonly value: number;
  /** `ticks/s`, `%`, `ms`, `KiB`, `s`, `M/s`; empty for a plain count. */
  readonly unit: string;
  /** Without one the figure is there to be read beside the others. */
  readonly budget?: Budget;
  /** Spread, counts, what it was measured over. */
  readonly detail?: string;
}

export interface BenchResult {
  readonly name: string;
  readonly figures: readonly Figure[];
  /** Why the figures must not be used; undefined for a valid run. */
  readonly invalid?: string;
  readonly notes?: readonly string[];
}

export type Verdict = 'met' | 'missed' | 'invalid' | '';

export function verdictOf(figure: Figure, invalid: boolean): Verdict {
  const { budget, value } = figure;
  if (!budget) return '';
  if (invalid || Number.isNaN(value)) return 'invalid';
  return (budget.kind === 'at-least' ? value >= budget.value : value <= budget.value) ? 'met' : 'missed';
}

const header = ['benchmark', 'figure', 'value', 'budget', 'verdict', 'detail'];

/** A table in plain text, one row a figure; then what makes a run invalid, and notes. */
export function renderTable(results: readonly BenchResult[]): string {
  const rows = results.flatMap((result) =>
    result.figures.map((figure) => [
      result.name,
      figure.name,
      withUnit(figure.value, figure.unit),
      budgetText(figure),
      verdictOf(figure, result.invalid !== undefined),
      figure.detail ?? '',
    ]),
  );
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  const remarks = results.flatMap((result) => [
    ...(result.invalid === undefined ? [] : [`${result.name}: INVALID: ${result.invalid}`]),
    ...(result.notes ?? []).map((note) => `${result.name}: ${note}`),
  ]);
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line), '', ...remarks]
    .join('\n')
    .trimEnd();
}

/** `<= 50 ms`; empty without a budget. */
export function budgetText({ budget, unit }: Figure): string {
  if (budget === undefined) return '';
  return `${budget.kind === 'at-least' ? '>=' : '<='} ${withUnit(budget.value, unit)}`;
}

/** Three significant digits for small numbers, whole ones above 1,000; money to the cent. */
export function withUnit(value: number, unit: string): string {
  if (unit === 'USD') return `${value.toFixed(2)} USD`;
  const text =
    Math.abs(value) >= 1_000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
  return unit === '' ? text : `${text} ${unit}`;
}
