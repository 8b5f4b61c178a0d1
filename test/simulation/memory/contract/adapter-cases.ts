/** What lib/aws makes of a store: the essentials of each adapter, on the one in memory and on a real engine. */
import { type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { AlertTable } from '../../../../lib/aws/alert-table.ts';
import { DynamoArchiveSource } from '../../../../lib/aws/archive-source.ts';
import { AuditTable } from '../../../../lib/aws/audit-table.ts';
import { BookTable } from '../../../../lib/aws/book-table.ts';
import { CandlesTable } from '../../../../lib/aws/candles-table.ts';
import { HeartbeatTable } from '../../../../lib/aws/heartbeat-table.ts';
import { LastPriceTable } from '../../../../lib/aws/last-price-table.ts';
import { LeaseTable } from '../../../../lib/aws/lease-table.ts';
import { RunLockTable } from '../../../../lib/aws/run-lock-table.ts';
import { DynamoScratchTables } from '../../../../lib/aws/scratch-tables.ts';
import { DynamoTableLoad } from '../../../../lib/aws/table-load.ts';
import { DynamoTableScan } from '../../../../lib/aws/table-scan.ts';
import { WatchdogTable } from '../../../../lib/aws/watchdog-table.ts';
import type { BookBody } from '../../../../lib/domain/book/item.ts';
import type { Candle } from '../../../../lib/domain/market/candle.ts';
import type { Heartbeat, Lease } from '../../../../lib/ports/lease-store.ts';
import { collect } from '../../../helpers/dynamo-engine.ts';
import { audit, book, candles } from './contract.ts';

export interface AdapterCase {
  readonly name: string;
  readonly run: (client: DynamoDBClient) => Promise<unknown>;
  readonly gives: unknown;
}

const control = 'contract-control';
const names = { bookTable: book, auditTable: audit, controlTable: control };

const change = (
  account: string,
  id: string,
  expectedVersion: number,
  body: BookBody | null,
  lease?: number,
) => ({
  account,
  writer: 'operator',
  cause: { kind: 'operator' as const, id: 'somebody', name: 'test', reason: 'contract' },
  atMs: Date.UTC(2026, 0, 5, 14, 30),
  orderKey: id,
  writes: [{ ref: { kind: 'order' as const, id }, expectedVersion, body }],
  ...(lease === undefined ? {} : { lease }),
});

const candle: Candle = {
  conId: 4711,
  symbol: 'GCZ3',
  intervalMs: 60_000,
  startMs: Date.UTC(2013, 9, 8, 14, 30),
  sessionDate: '2013-10-08',
  open: '0.1234567890123456789',
  high: '9007199254740993',
  low: '-37.63',
  close: '0.00000001',
  volume: '12345678901234567890.123456789',
  tickCount: 63,
  source: 'live',
  volumeSource: 'rtvolume',
  partial: false,
  noTrades: false,
  epoch: 9,
  revision: 9,
};

const held: Lease = { holder: 'a', token: 7, version: 1, renewedAtMs: 0, released: false };

export const adapterCases: readonly AdapterCase[] = [
  {
    name: 'the book: who was first wins, and every change has its row',
    async run(client) {
      const [one, two] = [new BookTable({ client, ...names }), new BookTable({ client, ...names })];
      const of = 'DU1';
      const results = [
        await one.commit(change(of, 'P1', 0, { n: 1 })),
        await two.commit(change(of, 'P1', 0, { n: 2 })),
        await two.commit(change(of, 'P2', 0, { n: 3 })),
        // The first one's memory of the chain is old now; it reads anew and goes on.
        await one.commit(change(of, 'P1', 1, { n: 4 })),
        await one.commit(change(of, 'P1', 1, { n: 4 })),
        await one.commit(change(of, 'P2', 1, null)),
      ];
      const trail = new AuditTable({ client, auditTable: audit, book: one });
      const rows = await collect(trail.rows(of, 'operator'));
      return {
        results,
        items: (await collect(one.list(of, 'order'))).map(({ ref, version, body }) => [
          ref.id,
          version,
          body,
        ]),
        together: (
          await one.read(
            of,
            ['P1', 'P2'].map((id) => ({ kind: 'order' as const, id })),
          )
        ).map((item) => item?.version),
        rows: rows.map(({ seq, orderKey }) => [seq, orderKey]),
        ofOrder: (await collect(trail.rowsOfOrder(of, 'P1'))).map(({ seq }) => seq),
        chains: (await trail.chains(of)).map(({ writer, seq }) => [writer, seq]),
      };
    },
    gives: {
      results: ['committed', 'conflict', 'committed', 'conflict', 'committed', 'committed'],
      items: [['P1', 2, { n: 4 }]],
      together: [2, undefined],
      rows: [
        [1, 'P1'],
        [2, 'P2'],
        [3, 'P1'],
        [4, 'P2'],
      ],
      ofOrder: [1, 3],
      chains: [['operator', 4]],
    },
  },
  {
    name: 'the book under a lease: only while it is held by that token',
    async run(client) {
      const of = 'DU2';
      const leases = new LeaseTable({ client, tableName: control, timeoutMs: 5_000 });
      const ours = new BookTable({ client, ...names });
      const tried = async (id: string, lease: number) => ours.commit(change(of, id, 0, {}, lease));
      return [
        await tried('a', 7),
        await leases.replace(of, undefined, held),
        await leases.replace(of, undefined, { ...held, token: 8 }),
        await tried('b', 6),
        await tried('c', 7),
        await leases.replace(of, { ...held, version: 2 }, held),
        await leases.replace(of, held, { ...held, version: 2, released: true }),
        await tried('d', 7),
        await leases.read(of),
        await leases.read('DU0'),
      ];
    },
    gives: [
      'conflict',
      true,
      false,
      'conflict',
      'committed',
      false,
      true,
      'conflict',
      { ...held, version: 2, released: true },
      undefined,
    ],
  },
  {
    name: 'the book: an item that is too large is named as such',
    run: (client) =>
      new BookTable({ client, ...names })
        .commit(change('DU3', 'P1', 0, { long: 'x'.repeat(410_000) }))
        .catch((error: { code?: string }) => error.code),
    gives: 'BOOK_ITEM_TOO_LARGE',
  },
  {
    name: 'candles: the better one stays, exact to the last digit',
    async run(client) {
      const table = new CandlesTable({ client, tableName: candles, retentionDays: 10, nowMs: () => 0 });
      const { startMs, conId } = candle;
      const results = [];
      for (const next of [
        candle,
        { ...candle, epoch: 10, revision: 0 },
        { ...candle, epoch: 9, revision: 99 },
        { ...candle, epoch: 10, revision: 0, close: '1' },
        { ...candle, source: 'flat' as const, epoch: 99 },
        { ...candle, source: 'backfill' as const, epoch: 1 },
        { ...candle, startMs: startMs + 60_000, close: '2.50' },
      ])
        results.push(await table.put(next));
      const range = { conId, intervalMs: 60_000, fromMs: startMs, toMs: startMs + 120_000 };
      const found = await collect(table.query(range));
      const last = new LastPriceTable({ client, tableName: candles });
      return {
        results,
        found: found.map(({ source, epoch, volume, close }) => [source, epoch, volume, close]),
        empty: await collect(table.query({ ...range, toMs: startMs })),
        last: await last.read(conId, { fromMs: 0, toMs: startMs + 600_000 }),
        none: await last.read(conId, { fromMs: 0, toMs: startMs - 1 }),
      };
    },
    gives: {
      results: ['stored', 'stored', 'superseded', 'superseded', 'superseded', 'superseded', 'stored'],
      found: [
        ['live', 10, candle.volume, candle.close],
        ['live', 9, candle.volume, '2.5'],
      ],
      empty: [],
      last: '2.5',
      none: undefined,
    },
  },
  {
    name: 'the run lock: one holder, once for each run, taken again after its time, given back by its token alone',
    async run(client) {
      const locks = new RunLockTable({ client, tableName: control });
      const take = (runId: string, nowMs: number) => locks.take('DU4', { runId, nowMs, untilMs: nowMs + 10 });
      const results = [await take('a', 0), await take('b', 9), await take('a', 9), await take('b', 19)];
      await locks.release('DU4', 1);
      await locks.release('DU4', 2);
      results.push(await take('b', 19));
      return [...results, await locks.read('DU4')];
    },
    gives: [
      { taken: true, token: 1 },
      { taken: false, heldBy: { runId: 'a', token: 1, untilMs: 10 } },
      { taken: true, token: 1 },
      { taken: true, token: 2 },
      { taken: false, heldBy: { runId: 'b', token: 2, untilMs: 0 } },
      { runId: 'b', token: 2, untilMs: 0 },
    ],
  },
  {
    name: 'heartbeats, the watchdog’s and the desk’s memory: only over what was read',
    async run(client) {
      const beats = new HeartbeatTable({ client, tableName: control });
      const beat = { epoch: 2, feeds: [{ feed: 'x' }], orders: { open: 1 } } as unknown as Heartbeat;
      await beats.write('DU5', beat);
      await beats.write('DU5', { ...beat, epoch: 1 });
      const watchdog = new WatchdogTable({ client, tableName: control });
      const alerts = new AlertTable({ client, tableName: control });
      return [
        await beats.read('DU5'),
        await watchdog.write('DU5', 0, 'one'),
        await watchdog.write('DU5', 0, 'two'),
        await watchdog.write('DU5', 1, 'three'),
        await watchdog.read('DU5'),
        await alerts.write(0, { form: 2 } as never),
        await alerts.write(0, { form: 2 } as never),
        await alerts.read(),
      ];
    },
    gives: [
      { epoch: 2, feeds: [{ feed: 'x' }], orders: { open: 1 } },
      true,
      false,
      true,
      { version: 2, memory: 'three' },
      true,
      false,
      { version: 1, memory: { form: 2 } },
    ],
  },
  {
    name: 'whole tables: scanned in segments, put back into new ones, partitions one by one',
    async run(client) {
      const from = 'evenkeel-contract-drill-a';
      const to = 'evenkeel-contract-drill-b';
      const scratch = new DynamoScratchTables({
        client,
        prefix: 'evenkeel-contract-drill-',
        pollSeconds: 0.01,
      });
      await scratch.create(from, 'audit');
      await scratch.create(to, 'book');
      const Items = Array.from({ length: 60 }, (_, n) => ({
        pk: { S: n % 2 === 0 ? `A#DU${n % 6}` : '4711#1m' },
        sk: { S: `sort "${n}" \u{1f600}` },
        n: { N: `${n}.5` },
      }));
      for (const Item of Items) await client.send(new PutItemCommand({ TableName: from, Item }));
      const scan = new DynamoTableScan({ client, pageItems: 7 });
      const segments = await Promise.all(
        [0, 1, 2].map((index) => collect(scan.segment(from, { index, of: 3 }))),
      );
      const lines = segments.flat(2);
      await new DynamoTableLoad({ client, parallel: 2 }).put(to, lines);
      const again = (await collect(scan.segment(to, { index: 0, of: 1 }))).flat();
      const texts = (all: readonly { readonly text: string }[]) =>
        all.map(({ text }) => JSON.stringify(sorted(JSON.parse(text) as object))).sort();
      const source = new DynamoArchiveSource({ client, candlesTable: to, bookTable: to });
      const found = {
        lines: lines.length,
        isSame: JSON.stringify(texts(lines)) === JSON.stringify(texts(again)),
        partitions: (await collect(scan.partitions(to))).sort(),
        series: await collect(source.series()),
        accounts: (await collect(source.accounts())).sort(),
        tables: await scratch.list(),
      };
      await scratch.remove(from);
      await scratch.remove(to);
      await scratch.remove(to);
      return { ...found, left: await scratch.list() };
    },
    gives: {
      lines: 60,
      isSame: true,
      partitions: ['4711#1m', 'A#DU0', 'A#DU2', 'A#DU4'],
      series: [{ conId: 4711, intervalMs: 60_000 }],
      accounts: ['DU0', 'DU2', 'DU4'],
      tables: ['evenkeel-contract-drill-a', 'evenkeel-contract-drill-b'],
      left: [],
    },
  },
];

/** Members in order: an engine may give attributes in any. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
