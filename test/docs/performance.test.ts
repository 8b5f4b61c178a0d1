import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Decimal } from 'decimal.js';
import { describe, expect, it } from 'vitest';
import { designBudgets, foreignBudgets } from '../../bench/budgets.ts';
import { type BenchmarkName, benchmarks } from '../../bench/catalogue.ts';
import type { BenchResult } from '../../bench/figure.ts';
import { between, commandOf, figureMark, PageError, writeInto } from '../../bench/page.ts';
import { bill, budgetLoad } from '../../bin/cost/bill.ts';
import { hoursPerMonth, prices } from '../../bin/cost/prices.ts';

const page = readFileSync(fileURLToPath(new URL('../../docs/performance.md', import.meta.url)), 'utf8');
const names = Object.keys(benchmarks) as BenchmarkName[];

/** Cells of the rows of a table, without its head. */
function rows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}

describe('docs/performance.md', () => {
  it('has a row, a section and a place for figures for each benchmark, in order', () => {
    const table = page.slice(page.indexOf('## Benchmarks'), page.indexOf('\n## tick-path'));
    expect(rows(table)).toEqual(names.map((name) => [`[\`${name}\`](#${name})`, benchmarks[name]]));
    const sections = page.split('\n## ').slice(3);
    expect(sections.map((text) => text.split('\n')[0])).toEqual(names);
    for (const [index, name] of names.entries())
      expect(sections[index]).toContain(`<!-- ${figureMark(name)} -->\n`);
  });

  it('has a row for each budget of the design, and a reason beside each that is missed', () => {
    const found = rows(between(page, 'budgets'));
    expect(found.map(([what, budget, , , command]) => [what, budget, command])).toEqual([
      ...designBudgets.map(({ what, budget, benchmark }) => [what, budget, commandOf(benchmark)]),
      ...foreignBudgets.map(({ what, budget, command }) => [what, budget, command]),
    ]);
    for (const [what, , , verdict] of found)
      expect(verdict, what).toMatch(/^(?:met|not measured|missed: .{20,})/);
  });
});

it('the sums in the reason beside the bill are those of the model', () => {
  const reason = designBudgets.find(({ benchmark }) => benchmark === 'cost')?.reason ?? '';
  const { usd, usdAfterFree } = bill(budgetLoad);
  const gib = new Decimal(hoursPerMonth).mul(prices['fargate-x86-memory'].usd);
  for (const sum of [usdAfterFree, bill({ ...budgetLoad, architecture: 'arm' }).usd, usd.minus(gib)])
    expect(reason).toContain(`${sum.toFixed(2)} USD`);
});

describe('npm run bench -- --write', () => {
  const measured = { day: '2026-02-03', machine: 'a machine' };
  const bundles: BenchResult = {
    name: 'bundles',
    figures: [
      { name: 'alerts, size', value: 400, unit: 'KiB', budget: { kind: 'at-most', value: 600 } },
      { name: 'reconcile, size', value: 610, unit: 'KiB', budget: { kind: 'at-most', value: 600 } },
      {
        name: 'alerts, cold import',
        value: 70,
        unit: 'ms',
        budget: { kind: 'at-most', value: 150 },
        detail: 'a|b',
      },
    ],
    notes: ['nine processes'],
  };

  it('writes figures and the row of each budget, the worst of its figures, and leaves the rest of the page', () => {
    const written = writeInto(page, [bundles], measured);
    expect(between(written, figureMark('bundles'))).toBe(
      [
        '| figure | value | budget | | over |',
        '|---|--:|--:|---|---|',
        '| alerts, size | 400 KiB | <= 600 KiB | met | |',
        '| reconcile, size | 610 KiB | <= 600 KiB | missed | |',
        '| alerts, cold import | 70 ms | <= 150 ms | met | a\\|b |',
        '',
        '2026-02-03, a machine. Nine processes.',
      ].join('\n'),
    );
    const before = rows(between(page, 'budgets'));
    const after = rows(between(written, 'budgets'));
    const size = before.findIndex(([what]) => what?.startsWith("a Lambda's bundle"));
    expect(after[size]?.slice(2)).toEqual([
      '610 KiB (reconcile, size)',
      'missed',
      commandOf('bundles'),
      '2026-02-03',
    ]);
    expect(after[size + 1]?.slice(2, 4)).toEqual(['70 ms', 'met']);
    expect(after.toSpliced(size, 2)).toEqual(before.toSpliced(size, 2));
    expect(between(written, figureMark('cost'))).toBe(between(page, figureMark('cost')));
  });

  it('leaves the page as it is when a run is invalid, has no figures, or no number', () => {
    const once = writeInto(page, [], measured);
    const [figure] = bundles.figures;
    for (const bad of [
      { ...bundles, invalid: 'the machine was busy' },
      { ...bundles, figures: [] },
      { ...bundles, figures: [{ ...figure!, value: Number.NaN }] },
    ])
      expect(writeInto(page, [bad], measured)).toBe(once);
    expect(once).toBe(page);
  });

  it('says which mark the page lacks', () => {
    expect(() => writeInto(page.replace(figureMark('bundles'), 'gone'), [bundles], measured)).toThrow(
      PageError,
    );
  });
});
