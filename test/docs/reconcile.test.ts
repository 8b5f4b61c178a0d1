import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { planCodes } from '../../lib/domain/reconcile/plan-state.ts';
import { planStates, runStatuses } from '../../lib/domain/reconcile/records.ts';
import { severityOf } from '../../lib/domain/reconcile/severity.ts';
import { discrepancyTypes, reconcileModes } from '../../lib/domain/reconcile/types.ts';
import { stagedFileNames } from '../../lib/reconcile/staged-files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/reconcile.md'), 'utf8');
/** Scenarios of reconcile and of what it rests on; later ones are of other pages. */
const last = 101;

/** First cells of the rows of a section's tables, without their marks. */
function cells(heading: string): string[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| `?([\w-]+)`?/gm)].map((match) => match[1]!);
}

/** Numbers with which titles of tests begin: `S043 …`, `S031 to S033 …` names each of them. */
function tested(): Set<number> {
  const numbers = new Set<number>();
  for (const file of globSync('test/**/*.test.ts', { cwd: root })) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, from, to] of text.matchAll(/(?<=[('"`\s])['"`]S(\d{3})(?: to S(\d{3}))? /g)) {
      for (let number = Number(from); number <= Number(to ?? from); number += 1) numbers.add(number);
    }
  }
  return numbers;
}

describe('docs/reconcile.md', () => {
  const rows = [...page.matchAll(/^\| S(\d{3}) \| ([^|]+) \| ([^|]+) \|$/gm)].map((match) =>
    Number(match[1]),
  );

  it('has a row for each scenario, in order, once', () => {
    expect(rows).toEqual(Array.from({ length: last }, (_, at) => at + 1));
  });

  it('has a test for each row, and a row for each test', () => {
    const numbers = tested();
    expect(rows.filter((number) => !numbers.has(number))).toEqual([]);
    expect([...numbers].filter((number) => number <= last && !rows.includes(number))).toEqual([]);
  });

  it('names every discrepancy with its severity', () => {
    const section = page.split('## Discrepancies')[1]!.split('\n## ')[0]!;
    const listed = [...section.matchAll(/^\| `([A-Z_]+)` \| (\w+) \|/gm)].map(([, type, severity]) => [
      type,
      severity,
    ]);
    expect(listed).toEqual(discrepancyTypes.map((type) => [type, severityOf(type)]));
  });

  it('names every code, state, status, mode and file', () => {
    // The codes of errors are the keys of a record that only its module sees.
    const errors = readFileSync(join(root, 'lib/reconcile/reconcile-error.ts'), 'utf8');
    const errorCodes = [...errors.split('const advice')[0]!.matchAll(/\| '([A-Z_]+)'/g)].map(
      (match) => match[1]!,
    );
    expect(errorCodes.length).toBeGreaterThan(5);
    expect(cells('Refusals').filter((cell) => cell !== 'code')).toEqual([...planCodes, ...errorCodes]);
    expect(cells('Plans').filter((cell) => cell !== 'state')).toEqual([...planStates]);
    const named = [
      ...runStatuses.filter((status) => status !== 'RUNNING'),
      ...reconcileModes,
      ...stagedFileNames,
    ];
    expect(named.filter((name) => !page.includes(name))).toEqual([]);
    const codes = readFileSync(join(root, 'lib/domain/reconcile/outcome.ts'), 'utf8')
      .split('export interface Outcome')[0]!
      .match(/(?<=\| ')[A-Z_]+(?=')/g)!;
    expect(codes.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
  });
});
