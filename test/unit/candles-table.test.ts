import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CandleRowError, CandlesTable } from '../../lib/aws/candles-table.ts';
import { candleKey, intervalName } from '../../lib/aws/keys.ts';
import { type Candle, supersedes } from '../../lib/domain/market/candle.ts';
import {
  collect,
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../helpers/dynamo-engine.ts';

const startMs = Date.UTC(2013, 9, 8, 14, 30);

const base: Candle = {
  conId: 98765432,
  symbol: 'GCZ3',
  intervalMs: 60_000,
  startMs,
  sessionDate: '2013-10-08',
  open: '1323.4',
  high: '1324.1',
  low: '1323.2',
  close: '1323.9',
  volume: '187',
  tickCount: 63,
  source: 'live',
  volumeSource: 'rtvolume',
  partial: false,
  noTrades: false,
  epoch: 7,
  revision: 0,
};

type Quality = Pick<Candle, 'source' | 'partial' | 'epoch' | 'revision'>;

const qualities: Quality[] = [];
for (const source of ['live', 'flat', 'backfill'] as const) {
  for (const partial of [true, false]) {
    // 9 and 10: as text they would sort the other way round.
    for (const epoch of [9, 10]) {
      for (const revision of [9, 10]) qualities.push({ source, partial, epoch, revision });
    }
  }
}

describe('keys of candles', () => {
  it.each([
    [1_000, '1s'],
    [5_000, '5s'],
    [60_000, '1m'],
    [300_000, '5m'],
    [90_000, '90s'],
    [3_600_000, '1h'],
    [86_400_000, '1d'],
    [1_500, '1500ms'],
  ])('an interval of %i ms is %s', (intervalMs, name) => {
    expect(intervalName(intervalMs)).toBe(name);
  });

  it('have the contract and interval first, the bar start as text in time order second', () => {
    expect(candleKey(base)).toEqual({ pk: '98765432#1m', sk: '2013-10-08T14:30:00.000Z' });
  });
});

describe.skipIf(!engineIsHere)(
  `candles table on a real engine${engineIsHere ? '' : ` (skipped: ${whenNoEngine})`}`,
  () => {
    let engine: DynamoEngine;
    let table: CandlesTable;
    let tables = 0;

    async function freshTable(): Promise<CandlesTable> {
      tables += 1;
      await engine.createTable(`candles-${tables}`);
      return new CandlesTable({ client: engine.client, tableName: `candles-${tables}`, retentionDays: 400 });
    }

    function all(
      from: CandlesTable,
      conId = base.conId,
      fromMs = 0,
      toMs = Date.UTC(2100, 0),
    ): Promise<Candle[]> {
      return collect(from.query({ conId, intervalMs: 60_000, fromMs, toMs }));
    }

    beforeAll(async () => {
      engine = await startDynamoEngine();
      table = await freshTable();
    });
    afterAll(async () => {
      await engine.stop();
    });

    it(`replaces exactly as supersedes says, in all ${qualities.length ** 2} pairs of stored and next`, async () => {
      const wrong: string[] = [];
      let conId = 1;
      for (const stored of qualities) {
        await Promise.all(
          qualities.map(async (next, offset) => {
            const id = conId + offset;
            await table.put({ ...base, ...stored, conId: id });
            const result = await table.put({ ...base, ...next, conId: id, close: '1' });
            const [kept] = await all(table, id);
            const better = supersedes(next, stored);
            if (result !== (better ? 'stored' : 'superseded') || kept?.close !== (better ? '1' : '1323.9')) {
              wrong.push(
                `${JSON.stringify(stored)} then ${JSON.stringify(next)}: ${result}, kept ${kept?.close}`,
              );
            }
          }),
        );
        conId += qualities.length;
      }
      expect(wrong).toEqual([]);
      expect(conId - 1).toBe(24 * 24);
    });

    it('ends with the best candle whatever the order and number of deliveries', async () => {
      let conId = 1_000_000;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.constantFrom(...qualities), { minLength: 1, maxLength: 8 }),
          async (deliveries) => {
            conId += 1;
            for (const quality of deliveries) await table.put({ ...base, ...quality, conId });
            const [kept] = await all(table, conId);
            const best = deliveries.reduce((left, right) => (supersedes(right, left) ? right : left));
            expect(kept).toMatchObject(best);
          },
        ),
        { numRuns: 40 },
      );
    });

    it('gives back what was stored, every field', async () => {
      const mine = await freshTable();
      const candle: Candle = {
        ...base,
        source: 'backfill',
        volumeSource: 'historical',
        partial: true,
        revision: 3,
      };
      expect(await mine.put(candle)).toBe('stored');
      expect(await all(mine)).toEqual([candle]);
    });

    it('keeps decimals exact, where binary floats would not', async () => {
      const mine = await freshTable();
      const candle: Candle = {
        ...base,
        open: '0.1234567890123456789',
        high: '9007199254740993',
        low: '-37.63',
        close: '0.00000001',
        volume: '12345678901234567890.123456789',
      };
      await mine.put(candle);
      expect(await all(mine)).toEqual([candle]);
      const raw = await engine.client.send(
        new GetItemCommand({
          TableName: `candles-${tables}`,
          Key: { pk: { S: '98765432#1m' }, sk: { S: '2013-10-08T14:30:00.000Z' } },
        }),
      );
      expect(raw.Item?.high).toEqual({ N: '9007199254740993' });
    });

    it.each([
      ['the retention after its start', startMs - 60_000, Date.UTC(2013, 9, 18, 14, 30)],
      ['a bar of a past year the retention after it was stored', Date.UTC(2026, 0, 5), Date.UTC(2026, 0, 15)],
    ])('lets expire %s', async (_, nowMs, expected) => {
      await freshTable();
      const tableName = `candles-${tables}`;
      await new CandlesTable({ client: engine.client, tableName, retentionDays: 10, nowMs: () => nowMs }).put(
        base,
      );
      const raw = await engine.client.send(
        new GetItemCommand({
          TableName: tableName,
          Key: { pk: { S: '98765432#1m' }, sk: { S: '2013-10-08T14:30:00.000Z' } },
        }),
      );
      expect(raw.Item?.expiresAt).toEqual({ N: String(expected / 1000) });
    });

    it('queries a range: from inclusive, to exclusive, in time order, one contract and interval only', async () => {
      const mine = await freshTable();
      for (const minute of [3, 1, 0, 2]) await mine.put({ ...base, startMs: startMs + minute * 60_000 });
      await mine.put({ ...base, conId: 2, startMs: startMs + 60_000 });
      await mine.put({ ...base, intervalMs: 300_000, startMs: startMs + 60_000 });
      const found = await all(mine, base.conId, startMs + 60_000, startMs + 3 * 60_000);
      expect(found.map((candle) => (candle.startMs - startMs) / 60_000)).toEqual([1, 2]);
      expect(await all(mine, base.conId, startMs, startMs)).toEqual([]);
      expect(await all(mine, base.conId, startMs + 60_000, startMs)).toEqual([]);
    });

    it('reads on past the first page of 1 MB', async () => {
      const mine = await freshTable();
      // Long symbols fill a page of 1 MB with some 30 rows.
      const symbol = 'X'.repeat(30_000);
      const starts = Array.from({ length: 80 }, (_, minute) => startMs + minute * 60_000);
      await Promise.all(starts.map((start) => mine.put({ ...base, symbol, startMs: start })));
      expect((await all(mine)).map((candle) => candle.startMs)).toEqual(starts);
    });

    it('names a row that something else wrote', async () => {
      const mine = await freshTable();
      await mine.put(base);
      await engine.client.send(
        new PutItemCommand({
          TableName: `candles-${tables}`,
          Item: { pk: { S: '98765432#1m' }, sk: { S: '2013-10-08T14:31:00.000Z' }, conId: { N: '1' } },
        }),
      );
      await expect(all(mine)).rejects.toThrow(CandleRowError);
      await expect(all(mine)).rejects.toThrow('98765432#1m/2013-10-08T14:31:00.000Z');
    });

    it('throws what is no verdict on the candle, such as a missing table', async () => {
      const nowhere = new CandlesTable({ client: engine.client, tableName: 'nowhere', retentionDays: 1 });
      await expect(nowhere.put(base)).rejects.toThrow(/not found|non-existent/i);
    });
  },
);
