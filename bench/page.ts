/** What `npm run bench -- --write` does to docs/performance.md: figures between marks, and nothing else of the page. */
import { type DesignBudget, designBudgets, type ForeignBudget, foreignBudgets } from './budgets.ts';
import type { BenchmarkName } from './catalogue.ts';
import { type BenchResult, budgetText, type Figure, verdictOf, withUnit } from './figure.ts';

export interface Measured {
  /** `2026-01-31`, UTC. */
  readonly day: string;
  /** What it was measured on. */
  readonly machine: string;
}

const budgetMark = 'budgets';

/** Mark of a benchmark's figures. */
export const figureMark = (name: string): string => `figures of ${name}`;

/** The page does not have what the bench writes into. Nothing was changed. */
export class PageError extends Error {
  override readonly name = 'PageError';
  readonly code = 'PERFORMANCE_PAGE_MARK';
}

/** Whether a result may stand on the page. */
export function isWorthKeeping({ invalid, figures }: BenchResult): boolean {
  return invalid === undefined && figures.length > 0 && figures.every(({ value }) => !Number.isNaN(value));
}

/** The page with these results; what was not run, or failed, stays as it was. */
export function writeInto(page: string, results: readonly BenchResult[], measured: Measured): string {
  const kept = results.filter(isWorthKeeping);
  const withFigures = kept.reduce(
    (text, result) => replaced(text, figureMark(result.name), figureTable(result, measured)),
    page,
  );
  const rows = rowsBetween(withFigures, budgetMark);
  const table = [
    '| what | budget | figure | | command | measured |',
    '|---|---|---|---|---|---|',
    ...designBudgets.map((budget) => {
      const result = kept.find(({ name }) => name === budget.benchmark);
      return result ? budgetRow(budget, result, measured) : (rows.get(budget.what) ?? emptyRow(budget));
    }),
    ...foreignBudgets.map((budget) => rows.get(budget.what) ?? emptyRow(budget)),
  ];
  return replaced(withFigures, budgetMark, table.join('\n'));
}

/** The text between the marks of that name. */
export function between(page: string, mark: string): string {
  const { from, to } = placeOf(page, mark);
  return page.slice(from, to).trim();
}

function placeOf(page: string, mark: string): { readonly from: number; readonly to: number } {
  const start = `<!-- ${mark} -->\n`;
  const from = page.indexOf(start) + start.length;
  const to = page.indexOf('<!-- end -->', from);
  if (from < start.length || to < 0)
    throw new PageError(
      `PERFORMANCE_PAGE_MARK: docs/performance.md has no lines "<!-- ${mark} -->" and "<!-- end -->" after it, so there is no ` +
        'place for these figures; the page was not changed. Put both lines where they belong.',
    );
  return { from, to };
}

function replaced(page: string, mark: string, text: string): string {
  const { from, to } = placeOf(page, mark);
  return `${page.slice(0, from)}${text}\n${page.slice(to)}`;
}

/** Lines of the table by their first cell. */
function rowsBetween(page: string, mark: string): ReadonlyMap<string, string> {
  const lines = between(page, mark).split('\n').slice(2);
  return new Map(lines.map((line) => [line.split('|')[1]?.trim() ?? '', line]));
}

function figureTable(result: BenchResult, { day, machine }: Measured): string {
  return [
    '| figure | value | budget | | over |',
    '|---|--:|--:|---|---|',
    ...result.figures.map((figure) =>
      line([
        figure.name,
        withUnit(figure.value, figure.unit),
        budgetText(figure),
        verdictOf(figure, false),
        figure.detail ?? '',
      ]),
    ),
    '',
    `${day}, ${machine}.${(result.notes ?? []).map((note) => ` ${capital(note)}.`).join('')}`,
  ].join('\n');
}

function budgetRow(budget: DesignBudget, result: BenchResult, { day }: Measured): string {
  const figures = result.figures.filter(({ name }) => matches(name, budget.figure));
  const worst = figures.toSorted((a, b) => strain(b) - strain(a))[0];
  if (worst === undefined) return emptyRow(budget);
  // Without a budget of its own a figure is held against the one of its kind.
  const held = worst.budget ?? figures.find((figure) => figure.budget)?.budget;
  const verdict = verdictOf(held === undefined ? worst : { ...worst, budget: held }, false);
  const names =
    figures.length > 1
      ? `${withUnit(worst.value, worst.unit)} (${worst.name})`
      : withUnit(worst.value, worst.unit);
  return line([
    budget.what,
    budget.budget,
    names,
    verdict === 'missed' && budget.reason ? `missed: ${budget.reason}` : verdict,
    commandOf(budget.benchmark),
    day,
  ]);
}

export const commandOf = (name: BenchmarkName): string => `\`npm run bench -- ${name}\``;

function emptyRow(budget: DesignBudget | ForeignBudget): string {
  const command = 'command' in budget ? budget.command : commandOf(budget.benchmark);
  return line([budget.what, budget.budget, '', 'not measured', command, '']);
}

function matches(name: string, pattern: string): boolean {
  return pattern.startsWith('*') ? name.endsWith(pattern.slice(1)) : name === pattern;
}

/** How near a figure is to its bound: above 1 it is beyond. */
function strain({ value, budget }: Figure): number {
  if (budget?.kind === 'at-least') return budget.value / value;
  return value;
}

const line = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`.replaceAll(/ {2,}\|/g, ' |');

const capital = (text: string): string => `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}`;
