import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArchiveFileError, readParquet, writeParquet } from '../../../lib/archive/parquet-file.ts';
import { candleOfRow, candleRow, mergeCandles } from '../../../lib/domain/archive/candle-rows.ts';
import { candleColumns, positionColumns } from '../../../lib/domain/archive/columns.ts';
import { markerOf, markerText, mergeMarkers } from '../../../lib/domain/archive/day-marker.ts';
import { misfitOf } from '../../../lib/domain/archive/fit.ts';
import { mergePositions, positionChanges } from '../../../lib/domain/archive/position-rows.ts';
import type { AuditRow } from '../../../lib/domain/audit/row.ts';
import { type Candle, supersedes } from '../../../lib/domain/market/candle.ts';

const startMs = Date.UTC(2026, 0, 5, 14, 30);

const base: Candle = {
  conId: 98765432,
  symbol: 'GCZ5',
  intervalMs: 60_000,
  startMs,
  sessionDate: '2026-01-05',
  open: '1323.4',
  high: '1324.1',
  low: '-40.32',
  close: '1323.9',
  volume: '0.00000001',
  tickCount: 63,
  source: 'live',
  volumeSource: 'rtvolume',
  partial: false,
  noTrades: false,
  epoch: 7,
  revision: 0,
};

const anyCandle: fc.Arbitrary<Candle> = fc
  .record({
    conId: fc.constantFrom(1, 2),
    startMs: fc.integer({ min: 0, max: 3 }).map((minute) => startMs + minute * 60_000),
    // One of each rank.
    quality: fc.constantFrom(
      { source: 'live' as const, partial: true },
      { source: 'flat' as const, partial: false },
      { source: 'backfill' as const, partial: false },
      { source: 'live' as const, partial: false },
    ),
    epoch: fc.integer({ min: 9, max: 10 }),
    revision: fc.integer({ min: 9, max: 10 }),
  })
  .map(({ quality, ...some }) => ({ ...base, ...some, ...quality }));

describe('candles of a day', () => {
  it('the better one stays, in whatever order and however often they come', () => {
    fc.assert(
      fc.property(fc.array(anyCandle), fc.array(anyCandle), (a, b) => {
        const merged = mergeCandles(a, b);
        expect(mergeCandles(b, a)).toEqual(merged);
        expect(mergeCandles(merged, a)).toEqual(merged);
        for (const given of [...a, ...b]) {
          const stays = merged.find((each) => each.conId === given.conId && each.startMs === given.startMs);
          expect(supersedes(given, stays!)).toBe(false);
        }
      }),
    );
  });

  it('a row says everything of its candle', () => {
    expect(candleOfRow(candleRow(base))).toEqual(base);
    expect(Object.keys(candleRow(base))).toEqual(candleColumns.map(({ name }) => name));
  });
});

describe('Parquet', () => {
  it('gives back what was written, and the same bytes for the same rows', async () => {
    const decimal = fc
      .tuple(fc.bigInt({ min: -(10n ** 28n) + 1n, max: 10n ** 28n - 1n }), fc.integer({ min: 0, max: 999 }))
      .map(([whole, fraction]) => (fraction === 0 ? `${whole}` : `${whole}.${fraction}1`));
    const candle = fc
      .record({ open: decimal, high: decimal, volume: decimal, partial: fc.boolean(), symbol: fc.string() })
      .map((some) => ({ ...base, ...some }));
    await fc.assert(
      fc.asyncProperty(fc.array(candle, { maxLength: 40 }), async (candles) => {
        const rows = candles.map(candleRow).filter((row) => misfitOf(row, candleColumns) === undefined);
        const bytes = writeParquet(rows, candleColumns);
        expect(await readParquet('x', bytes, candleColumns)).toEqual(rows);
        expect(writeParquet(rows, candleColumns)).toEqual(bytes);
      }),
      { numRuns: 40 },
    );
  });

  it('a day of bars of one instrument is small', () => {
    const rows = Array.from({ length: 1_380 }, (_, minute) =>
      candleRow({ ...base, startMs: startMs + minute * 60_000, volume: String(minute % 37) }),
    );
    expect(writeParquet(rows, candleColumns).byteLength).toBeLessThan(60_000);
  });

  it('refuses to write what does not fit, and to read what is not its own', async () => {
    const row = candleRow({ ...base, close: '0.00000000001' });
    expect(misfitOf(row, candleColumns)).toBe('close "0.00000000001" is no decimal(38,10)');
    expect(() => writeParquet([row], candleColumns)).toThrow('close "0.00000000001"');
    expect(misfitOf({ ...candleRow(base), close: null }, candleColumns)).toContain('close null');
    expect(misfitOf(candleRow({ ...base, sessionDate: '2026-02-30' }), candleColumns)).toContain(
      'session_date',
    );
    expect(misfitOf(candleRow({ ...base, tickCount: 0.5 }), candleColumns)).toContain('tick_count');

    const bytes = writeParquet([candleRow(base)], candleColumns);
    for (const damaged of [bytes.slice(0, 200), bytes.slice(100), new Uint8Array()]) {
      await expect(readParquet('a/b', damaged, candleColumns)).rejects.toThrow(ArchiveFileError);
    }
    await expect(readParquet('a/b', bytes, positionColumns)).rejects.toThrow('ARCHIVE_FILE_UNREADABLE: a/b');
    const rescaled = candleColumns.map((column) =>
      column.name === 'open' ? { ...column, scale: 2 } : column,
    );
    await expect(readParquet('a/b', bytes, rescaled)).rejects.toThrow('column open');
  });
});

describe('changes of positions', () => {
  const contract = {
    conId: 5,
    symbol: 'GC',
    secType: 'FUT',
    localSymbol: 'GCZ5',
    exchange: 'COMEX',
    currency: 'USD',
    multiplier: '100',
    lastTradeDate: '20251229',
    strike: '0',
    right: '',
    tradingClass: 'GC',
  };
  const body = {
    contract,
    position: '-2',
    averageCost: '132343.33333333334',
    averagePrice: '1323.433333333333',
    stamp: { epoch: 7, seq: 12 },
  };
  const row = (seq: number, changes: AuditRow['changes']): AuditRow => ({
    account: 'DU1',
    writer: 'book-keeper',
    seq,
    at: `2026-01-05T14:30:0${seq}.000Z`,
    cause: { kind: 'event', id: `main:7:${seq}`, name: 'position.changed', reason: '' },
    orderKey: '',
    changes,
    previousHash: '0',
    hash: `hash ${seq}`,
  });
  const conIdOf = (item: string) => (item.startsWith('POS#') ? Number(item.slice(4)) : undefined);
  const image = { version: 4, body: body as never };

  it('has the image, who, why and when; other items are none of its business', () => {
    const changes = [
      { item: 'ORDER#P1', formerVersion: 1, image },
      { item: 'POS#5', formerVersion: 3, image },
    ];
    const [change, ...more] = positionChanges(row(1, changes), conIdOf, new Map());
    expect(more).toEqual([]);
    expect(change).toMatchObject({
      symbol: 'GCZ5',
      row: {
        account: 'DU1',
        con_id: 5,
        position: '-2',
        average_cost: '132343.33333333334',
        version: 4,
        seq: 12,
        epoch: 7,
      },
    });
    expect(misfitOf(change!.row, positionColumns)).toBeUndefined();
    expect(Object.keys(change!.row).sort()).toEqual(positionColumns.map(({ name }) => name).sort());
  });

  it('a removal is a row too, under the symbol that is known, else under the conId', () => {
    const gone = [{ item: 'POS#5', formerVersion: 4, image: null }];
    const [unknown] = positionChanges(row(2, gone), conIdOf, new Map());
    expect(unknown).toMatchObject({ symbol: 'conId-5', row: { removed: true, position: null, version: 4 } });
    expect(misfitOf(unknown!.row, positionColumns)).toBeUndefined();
    const known = new Map();
    positionChanges(row(1, [{ item: 'POS#5', formerVersion: 3, image }]), conIdOf, known);
    expect(positionChanges(row(2, gone), conIdOf, known)[0]).toMatchObject({
      symbol: 'GCZ5',
      row: { local_symbol: 'GCZ5' },
    });
  });

  it('the last that was read stays, and what only the archive has', () => {
    const [first] = positionChanges(row(1, [{ item: 'POS#5', formerVersion: 3, image }]), conIdOf, new Map());
    const [second] = positionChanges(
      row(2, [{ item: 'POS#5', formerVersion: 4, image }]),
      conIdOf,
      new Map(),
    );
    const again = { ...first!.row, cause_reason: 'read again' };
    expect(mergePositions([second!.row, first!.row], [again])).toEqual([again, second!.row]);
  });

  it('survives Parquet', async () => {
    const rows = [
      positionChanges(row(1, [{ item: 'POS#5', formerVersion: 3, image }]), conIdOf, new Map())[0]!.row,
      positionChanges(row(2, [{ item: 'POS#5', formerVersion: 4, image: null }]), conIdOf, new Map())[0]!.row,
    ];
    expect(await readParquet('x', writeParquet(rows, positionColumns), positionColumns)).toEqual(rows);
  });
});

describe('the marker of a day', () => {
  it('is the same text in whatever order, and forgets no symbol', () => {
    const a = { date: '2026-01-05', candles: { GCZ5: 2, ESZ5: 1 }, positions: {} };
    const b = { date: '2026-01-05', candles: { ESZ5: 1, GCZ5: 2 }, positions: {} };
    expect(markerText(a)).toBe(markerText(b));
    expect(markerOf(markerText(a))).toEqual(a);
    const merged = mergeMarkers(a, { ...b, candles: { GCZ5: 3 } });
    expect(merged.candles).toEqual({ GCZ5: 3, ESZ5: 1 });
    expect(markerOf('{"date": 1}')).toBeUndefined();
    expect(markerOf('half')).toBeUndefined();
  });
});
