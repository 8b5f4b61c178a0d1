import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type RunOptions, run } from '../../functions/archive/run.ts';
import { readParquet } from '../../lib/archive/parquet-file.ts';
import { DynamoArchiveSource } from '../../lib/aws/archive-source.ts';
import { bookRefOf, candleKey } from '../../lib/aws/keys.ts';
import { S3ObjectStore } from '../../lib/aws/object-store.ts';
import { positionColumns } from '../../lib/domain/archive/columns.ts';
import { archiveKey } from '../../lib/domain/archive/keys.ts';
import type { Candle } from '../../lib/domain/market/candle.ts';
import { parseNotice } from '../../lib/events/envelope.ts';
import type { ObjectStore } from '../../lib/ports/object-store.ts';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import { positionEvent } from '../helpers/book-events.ts';
import { STACK, temporaryFolder, writeAssembly } from '../helpers/cloud-fixture.ts';
import { bucketsTemplate, versioned } from '../helpers/cloud-templates.ts';
import {
  collect,
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../helpers/dynamo-engine.ts';
import { vendorBars } from '../helpers/reference-bars.ts';
import { sharedDataDir, whenAbsent } from '../helpers/shared-data.ts';
import { account, createDesk, heartbeatOf, nowMs, type TestDesk } from '../unit/cli/desk.ts';

const conId = 98765432;
/** The desk's clock stands on Monday, 5 January 2026, 15:00 UTC. The runs are of the night after it. */
const nightAfterMs = Date.UTC(2026, 0, 6, 2, 30);
const monday = '2026-01-05';
/** A time as the command line takes it: without a zone it would be one of the view's. */
const utc = (day: string): string => `${day}T00:00:00Z`;

const base: Candle = {
  conId,
  symbol: 'GCZ3',
  intervalMs: 60_000,
  startMs: Date.UTC(2026, 0, 5, 14, 30),
  sessionDate: monday,
  open: '1323.4',
  high: '1324.1',
  low: '-40.32',
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

describe.skipIf(!engineIsHere)(`the archive${engineIsHere ? '' : ` (skipped: ${whenNoEngine})`}`, () => {
  const { folder, remove } = temporaryFolder();
  let engine: DynamoEngine;
  let cloud: LocalCloud;
  let s3: S3Client;
  let desk: TestDesk;
  let store: ObjectStore;
  let prefix = '';
  let published: unknown[] = [];
  let options: RunOptions;

  beforeAll(async () => {
    engine = await startDynamoEngine();
    const assembly = writeAssembly(folder, bucketsTemplate());
    cloud = await startCloud({ assembly, stack: STACK, dataDir: join(folder, 'data') });
    const { endpoint, region } = cloud;
    s3 = new S3Client({
      endpoint,
      region,
      credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
    });
  });
  afterAll(async () => {
    s3?.destroy();
    await cloud?.stop();
    await engine?.stop();
    remove();
  });

  beforeEach(async () => {
    desk = await createDesk(engine);
    desk.world.heartbeat = heartbeatOf();
    prefix = `${randomUUID()}/`;
    store = below(prefix, new S3ObjectStore({ client: s3, bucket: versioned }));
    desk.world.archive = store;
    published = [];
    options = {
      source: new DynamoArchiveSource({
        client: engine.client,
        candlesTable: candlesTable(),
        bookTable: desk.bookTable,
      }),
      candles: desk.candles,
      audit: desk.audit,
      book: desk.book,
      store,
      refOf: bookRefOf,
      stage: 'sandbox',
      publisher: {
        publish: async (events) => {
          published.push(...events);
          return events.map(() => ({ ok: true }));
        },
      },
      logger: { info: () => undefined, error: () => undefined },
      nowMs: () => nightAfterMs,
    };
    return () => {
      vi.unstubAllEnvs();
      desk.stop();
    };
  });

  const candlesTable = (): string => desk.bookTable.replace(/book$/, 'candles');

  async function stored(...candles: readonly Partial<Candle>[]): Promise<void> {
    for (const candle of candles) await desk.candles.put({ ...base, ...candle });
  }

  async function forgotten(candle: Pick<Candle, 'conId' | 'intervalMs' | 'startMs'>): Promise<void> {
    const { pk, sk } = candleKey(candle);
    await engine.client.send(
      new DeleteItemCommand({ TableName: candlesTable(), Key: { pk: { S: pk }, sk: { S: sk } } }),
    );
  }

  async function versions(): Promise<number> {
    const { Versions } = await s3.send(new ListObjectVersionsCommand({ Bucket: versioned, Prefix: prefix }));
    return Versions?.length ?? 0;
  }

  async function json(...argv: string[]) {
    const { code, out, err } = await desk.run('candles', ...argv, '--json');
    expect({ code, err }, argv.join(' ')).toEqual({ code: 0, err: '' });
    return JSON.parse(out);
  }

  const minute = (index: number) => ({ startMs: base.startMs + index * 60_000 });
  const lastMinuteOfSunday = Date.UTC(2026, 0, 4, 23, 59);

  it('what the table says, the archive says: written, written again, read back', async () => {
    await stored(
      { startMs: lastMinuteOfSunday, volume: '0.00000001' },
      ...[0, 1, 2].map(minute),
      { ...minute(3), partial: true, source: 'backfill', volumeSource: 'historical', revision: 2 },
      // Another instrument, one that is gone in a path, and another interval.
      { conId: 77, symbol: 'BRK B' },
      { intervalMs: 300_000 },
    );
    await desk.tell(
      positionEvent(conId, '2', { account, seq: 1 }),
      positionEvent(conId, '-1', { account, seq: 2 }),
    );

    const { days } = await run(undefined, options);
    expect(days).toMatchObject([
      { date: '2026-01-03', candles: 0, positions: 0, files: 0 },
      { date: '2026-01-04', candles: 1, positions: 0, files: 1 },
      { date: monday, candles: 6, positions: 2, files: 3, written: 3 },
    ]);
    expect(await collect(keys())).toEqual([
      `candles/symbol=BRK_20B/date=${monday}/candles.parquet`,
      'candles/symbol=GCZ3/date=2026-01-04/candles.parquet',
      `candles/symbol=GCZ3/date=${monday}/candles.parquet`,
      'days/2026-01-03.json',
      'days/2026-01-04.json',
      `days/${monday}.json`,
      expect.stringMatching(/^positions\/symbol=\w+\/date=2026-01-05\/positions.parquet$/),
    ]);
    expect(published).toEqual([]);

    const before = await versions();
    expect((await run(undefined, options)).days.map(({ written }) => written)).toEqual([0, 0, 0]);
    expect(await versions(), 'an object was written though nothing had changed').toBe(before);

    const range = ['--from', utc('2026-01-03'), '--to', utc('2026-01-06')];
    for (const more of [range, [...range, '--latest', '2'], [...range, '--stats']]) {
      const { notArchived, ...archived } = await json('GC', '--from-archive', ...more);
      expect(archived, more.join(' ')).toEqual(await json('GC', ...more));
      expect(notArchived).toEqual([]);
    }
    const { out } = await desk.run('candles', 'GCZ3', '--from-archive');
    expect(out).toBe((await desk.run('candles', 'GCZ3')).out);
  });

  it('a day that is archived again keeps what the table has forgotten and takes what is better', async () => {
    await stored(minute(0), { ...minute(1), partial: true });
    await run({ date: monday }, options);
    await forgotten({ ...base, ...minute(0) });
    await stored({ ...minute(1), close: '1324', revision: 1 }, minute(2));
    await run({ date: monday }, options);
    const { candles } = await json('GCZ3', '--from-archive', '--from', utc(monday));
    expect(candles.map(({ startMs, close, partial }: Candle) => [startMs, close, partial])).toEqual([
      [minute(0).startMs, '1323.9', false],
      [minute(1).startMs, '1324', false],
      [minute(2).startMs, '1323.9', false],
    ]);
    // The worse one does not come back, and nothing is lost when the table is empty.
    for (const index of [1, 2]) await forgotten({ ...base, ...minute(index) });
    expect((await run({ date: monday }, options)).days[0]).toMatchObject({ candles: 0, written: 0 });
    expect(await json('GCZ3', '--from-archive', '--from', utc(monday))).toMatchObject({ candles });
    // So too for a contract that the stage itself has forgotten.
    desk.world.heartbeat = heartbeatOf({ feeds: [] });
    expect(await json('gcz3', '--from-archive', '--from', utc(monday))).toMatchObject({ conId, candles });
  });

  it('changes of positions: who, when, why and what, once each', async () => {
    await desk.tell(
      positionEvent(conId, '2', { account, seq: 1 }),
      positionEvent(conId, '0', { account, seq: 2 }),
    );
    await desk.book.commit({
      account,
      writer: 'restore',
      cause: { kind: 'restore', id: 'b-1', name: 'restore in place', reason: 'a drill' },
      atMs: nowMs,
      orderKey: '',
      writes: [{ ref: { kind: 'position', id: String(conId) }, expectedVersion: 2, body: null }],
    });
    await run({ date: monday }, options);
    await run({ date: monday }, options);
    const [key = ''] = (await collect(keys())).filter((each) => each.startsWith('positions/'));
    const rows = await readParquet(key, (await store.get(key))!, positionColumns);
    expect(rows).toMatchObject([
      { account, con_id: conId, position: '2', version: 1, epoch: 1, seq: 1, cause_name: 'position.changed' },
      { position: '0', version: 2, seq: 2, writer: 'book-keeper', audit_seq: 2, removed: false },
      { position: null, version: 2, removed: true, writer: 'restore', cause_reason: 'a drill', audit_seq: 1 },
    ]);
    expect(rows.map(({ changed_at }) => changed_at)).toEqual([nowMs, nowMs, nowMs]);
  });

  it('what does not fit is left out and told; what cannot be read is left as it is', async () => {
    const damaged = archiveKey('candles', 'ESZ3', monday);
    await store.put({ key: damaged, body: new TextEncoder().encode('PAR1 no'), contentType: 'text/plain' });
    await stored(minute(0), { ...minute(1), close: '0.000000000001' }, { conId: 78, symbol: 'ESZ3' });
    await expect(run({ date: monday }, options)).rejects.toThrow(/ARCHIVE_INCOMPLETE: .*0\.000000000001.*/);
    const notice = parseNotice(published[0]);
    expect(notice).toMatchObject({
      account: '*',
      data: { alert: 'archive_failed', severity: 'MEDIUM', message: expect.stringContaining(damaged) },
    });
    expect(published).toHaveLength(1);
    expect(new TextDecoder().decode(await store.get(damaged))).toBe('PAR1 no');
    const { candles, notArchived } = await json(
      'GCZ3',
      '--from-archive',
      '--from',
      utc(monday),
      '--to',
      utc('2026-01-06'),
    );
    expect(candles).toHaveLength(1);
    expect(notArchived, 'a day with failures counts as archived').toEqual([monday]);
    expect((await desk.run('candles', 'GCZ3', '--from-archive', '--to', utc('2026-01-06'))).out).toContain(
      `Not archived: ${monday} (UTC).`,
    );
  });

  it('says which days are not archived, and what a wrong symbol may have meant', async () => {
    await stored(minute(0));
    const range = ['--from-archive', '--from', utc(monday), '--to', utc('2026-01-06')];
    const nothing = await desk.run('candles', 'GCZ3', ...range);
    expect(nothing.code).toBe(2);
    expect(nothing.err).toContain('2026-01-05 is not in the archive; it has no day yet');
    // The day is not over.
    await run({ date: monday }, { ...options, nowMs: () => nowMs });
    expect(await json('GCZ3', ...range)).toMatchObject({ notArchived: [monday], candles: [{}] });
    await run({ date: monday, days: 2 }, options);
    expect(await json('GCZ3', ...range)).toMatchObject({ notArchived: [], candles: [{}] });
    // Sunday is archived and has no bar: that is no fault.
    const sunday = ['--from-archive', '--from', utc('2026-01-04'), '--to', utc(monday)];
    expect(await json('GCZ3', ...sunday)).toMatchObject({ notArchived: [], candles: [] });
    const friday = await desk.run(
      'candles',
      'GCZ3',
      '--from-archive',
      '--from',
      utc('2026-01-02'),
      '--to',
      utc('2026-01-03'),
    );
    expect(friday.err).toContain(
      '2026-01-02 is not in the archive; it has 2026-01-04 to 2026-01-05 (2 days)',
    );
    expect((await desk.run('candles', 'GCX3', ...range)).err).toContain('Did you mean GCZ3?');
    expect((await desk.run('candles', '4711', ...range)).err).toContain('SYMBOL_NEEDED');
  });

  it('finds every partition by steps, however many rows each has', async () => {
    const series = [1, 7, 12, 123, 1_000_000].flatMap((each) => [
      { conId: each, intervalMs: 60_000 },
      { conId: each, intervalMs: 1_000 },
    ]);
    for (const each of series) await stored(each, { ...each, ...minute(1) }, { ...each, ...minute(2) });
    const found = await collect(options.source.series());
    const text = (all: readonly object[]) => all.map((each) => JSON.stringify(each)).sort();
    expect(text(found)).toEqual(text(series));
    await desk.tell(
      positionEvent(1, '1', { account: 'DU2', seq: 1 }),
      positionEvent(1, '1', { account, seq: 1 }),
    );
    expect((await collect(options.source.accounts())).sort()).toEqual([account, 'DU2']);
  });

  it.skipIf(sharedDataDir === undefined)(
    `a vendor's bars of two days come back exactly${sharedDataDir === undefined ? ` (skipped: ${whenAbsent})` : ''}`,
    async () => {
      const days = ['2013-10-07', '2013-10-08'];
      const files = days.map((day) => join(sharedDataDir!, 'ticks', `GCZ3_${day}.bars_1m.csv`));
      const bars = new Map((await Promise.all(files.map(vendorBars))).flatMap((of) => [...of]));
      const candles = [...bars].map(([startMs, text]): Candle => {
        const [open = '', high = '', low = '', close = '', volume = ''] = text.split(',');
        const source = { source: 'backfill', volumeSource: 'historical' } as const;
        return { ...base, ...source, startMs, sessionDate: '2013-10-08', open, high, low, close, volume };
      });
      const inMemory = {
        async *query({ fromMs, toMs }: { fromMs: number; toMs: number }) {
          yield* candles.filter(({ startMs }) => startMs >= fromMs && startMs < toMs);
        },
      };
      const source = {
        ...options.source,
        accounts: () => options.source.accounts(),
        async *series() {
          yield { conId, intervalMs: 60_000 };
        },
      };
      const answer = await run({ date: '2013-10-09', days: 4 }, { ...options, source, candles: inMemory });
      expect(answer.days.reduce((sum, day) => sum + day.candles, 0)).toBe(2_691);
      const back = await json(
        'GCZ3',
        '--from-archive',
        '--from',
        utc('2013-10-06'),
        '--to',
        utc('2013-10-10'),
      );
      expect(back.notArchived).toEqual([]);
      expect(
        new Map(
          back.candles.map(({ startMs, open, high, low, close, volume }: Candle) => [
            startMs,
            [open, high, low, close, volume].join(','),
          ]),
        ),
      ).toEqual(bars);
    },
  );

  it('the function itself, with what Lambda gives it', async () => {
    const variables = {
      STAGE: 'sandbox',
      BOOK_TABLE: desk.bookTable,
      AUDIT_TABLE: desk.auditTable,
      CANDLES_TABLE: candlesTable(),
      ARCHIVE_BUCKET: versioned,
      EVENT_BUS_NAME: 'none',
      AWS_REGION: cloud.region,
      AWS_ACCESS_KEY_ID: 'operator',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint,
      AWS_ENDPOINT_URL_S3: cloud.endpoint,
      AWS_ENDPOINT_URL_EVENTBRIDGE: cloud.endpoint,
      POWERTOOLS_LOG_LEVEL: 'SILENT',
    };
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    const { handler } = await import('../../functions/archive/handler.ts');
    await stored({ conId: 79, symbol: 'SIH6' });
    await desk.tell(positionEvent(79, '1', { account, seq: 1 }));
    const { days } = await handler({ date: monday });
    expect(days).toMatchObject([{ date: monday, candles: 1, positions: 1, written: 2 }]);
    const bucket = new S3ObjectStore({ client: s3, bucket: versioned });
    expect(await bucket.get(archiveKey('candles', 'SIH6', monday))).toBeDefined();
    await expect(handler({ date: 'monday' })).rejects.toThrow('ARCHIVE_REQUEST_INVALID');
  });

  async function* keys(): AsyncGenerator<string> {
    for await (const { key } of store.list('')) yield key;
  }
});

/** A folder of a bucket as a bucket of its own, so that tests cannot meet. */
function below(prefix: string, of: ObjectStore): ObjectStore {
  return {
    put: (object, options) => of.put({ ...object, key: prefix + object.key }, options),
    get: (key) => of.get(prefix + key),
    async *list(start) {
      for await (const { key, bytes } of of.list(prefix + start))
        yield { key: key.slice(prefix.length), bytes };
    },
  };
}
