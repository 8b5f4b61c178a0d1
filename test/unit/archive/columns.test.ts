import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { archiveTables, partitionKeys, tableParameters } from '../../../lib/domain/archive/athena.ts';
import { candleColumns } from '../../../lib/domain/archive/columns.ts';
import { ArchiveRequestError, daysOf } from '../../../lib/domain/archive/days.ts';
import { decimalText, unscaled } from '../../../lib/domain/archive/decimal-text.ts';
import { archiveKey, dayOfKey, isDay, partitionText } from '../../../lib/domain/archive/keys.ts';

const page = readFileSync(new URL('../../../docs/archive.md', import.meta.url), 'utf8');

describe('columns', () => {
  it.each(archiveTables)('$name: docs/archive.md has every column with its type, and no other', (table) => {
    const section = page
      .split(/^## /m)
      .find((text) => text.toLowerCase().startsWith(`columns of ${table.name}\n`));
    const listed = [...(section ?? '').matchAll(/^\| `(\w+)` \| `([^`]+)` \|/gm)].map(([, name, type]) => [
      name,
      type,
    ]);
    expect(listed).toEqual(table.columns.map(({ name, glueType }) => [name, glueType]));
  });

  it.each(archiveTables)('$name: names that Athena takes, no float, no partition twice', ({ columns }) => {
    const names = columns.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name } of partitionKeys) expect(names).not.toContain(name);
    for (const { name, glueType, comment, parquet, scale } of columns) {
      expect(name).toMatch(/^[a-z][a-z_]*$/);
      expect(glueType).not.toMatch(/float|double/);
      expect(comment.length).toBeLessThanOrEqual(255);
      expect(parquet === 'decimal').toBe(scale !== undefined);
    }
  });

  it('every price and size that the candle builder can make fits: eight decimals, 53 bits', () => {
    const { scale = 0 } = candleColumns.find(({ name }) => name === 'volume')!;
    for (const text of ['0.00000001', '90071992.54740991', '9007199254740991', '-40.32']) {
      expect(unscaled(text, scale), text).toBeDefined();
    }
  });

  it('the location template leads to where the files are', () => {
    const template = tableParameters('bucket', 'candles')['storage.location.template']!;
    const made = template.replace(`\${symbol}`, partitionText('BRK B')).replace(`\${date}`, '2026-01-05');
    expect(`s3://bucket/${archiveKey('candles', 'BRK B', '2026-01-05')}`).toBe(`${made}candles.parquet`);
  });
});

describe('decimal text', () => {
  it.each([
    ['1323.4', 10, 13234000000000n],
    ['-0.0000000001', 10, -1n],
    ['0', 10, 0n],
    ['5.50', 1, 55n],
    ['9999999999999999999999999999.9999999999', 10, 10n ** 38n - 1n],
    ['10000000000000000000000000000', 10, undefined],
    ['0.00000000001', 10, undefined],
    ['1e5', 10, undefined],
    ['NaN', 10, undefined],
    ['', 10, undefined],
  ])('%s at scale %i is %s', (text, scale, value) => {
    expect(unscaled(text, scale)).toBe(value);
  });

  it('goes there and back exactly', () => {
    const value = fc.bigInt({ min: -(10n ** 38n - 1n), max: 10n ** 38n - 1n });
    fc.assert(
      fc.property(value, fc.integer({ min: 0, max: 20 }), (of, scale) => {
        expect(unscaled(decimalText(of, scale), scale)).toBe(of);
      }),
    );
  });
});

describe('keys', () => {
  it.each([
    ['GCZ5', 'GCZ5'],
    ['BRK B', 'BRK_20B'],
    ['EUR.USD', 'EUR.USD'],
    ['A_B', 'A_5FB'],
    ['../x', '.._2Fx'],
  ])('%s is the partition %s', (symbol, partition) => {
    expect(partitionText(symbol)).toBe(partition);
  });

  it('no two symbols share a partition, and none leaves its folder', () => {
    const text = fc.string({
      unit: fc.constantFrom('A', 'b', '_', ' ', '/', '%', '2', '0', '.', '(', 'é', '='),
    });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(partitionText(a) === partitionText(b)).toBe(a === b);
        expect(partitionText(a)).toMatch(/^[\w.-]*$/);
        expect(dayOfKey(archiveKey('positions', a, '2026-01-05'))).toBe('2026-01-05');
      }),
    );
  });

  it.each(['2026-02-29', '2026-13-01', '2026-1-5', '20260105', ''])('%j is no day', (text) => {
    expect(isDay(text)).toBe(false);
  });
});

describe('days of a request', () => {
  const nowMs = Date.UTC(2026, 0, 2, 2, 30);
  it.each([
    [undefined, ['2025-12-30', '2025-12-31', '2026-01-01']],
    [{}, ['2025-12-30', '2025-12-31', '2026-01-01']],
    [{ date: '2025-12-24' }, ['2025-12-24']],
    [{ date: '2025-03-01', days: 2 }, ['2025-02-28', '2025-03-01']],
    [{ days: 1 }, ['2026-01-01']],
    [{ date: '2026-01-02' }, ['2026-01-02']],
  ])('%j', (request, days) => {
    expect(daysOf(request, nowMs)).toEqual(days);
  });

  it.each([
    { date: '2026-01-03' },
    { date: 5 },
    { date: 'yesterday' },
    { days: 0 },
    { days: 1.5 },
    { days: 32 },
  ])('%j is refused', (request) => {
    expect(() => daysOf(request, nowMs)).toThrow(ArchiveRequestError);
  });
});
