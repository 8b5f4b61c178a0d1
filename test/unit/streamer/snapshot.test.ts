import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type {
  BrokerFact,
  BrokerList,
  ListOutcome,
  PositionFact,
} from '../../../lib/domain/orders/broker-facts.ts';
import type { EventData } from '../../../lib/events/catalogue.ts';
import { snapshotKey } from '../../../lib/events/command-names.ts';
import { snapshotDocument } from '../../../lib/events/snapshot-document.ts';
import { snapshotTaken } from '../../../lib/events/snapshot-taken.ts';
import type { ObjectStore, StoredObject } from '../../../lib/ports/object-store.ts';
import { type SnapshotCommand, type SnapshotHost, takeSnapshot } from '../../../streamer/snapshot.ts';
import { terms } from '../orders/tracker-harness.ts';

const account = 'DU1234567';
const command: SnapshotCommand = {
  id: '7b0a3c1e-2f4d-4e6a-9b8c-0d1e2f3a4b5c',
  type: 'snapshot',
  version: 1,
  account,
  issuedAt: '2026-01-05T14:29:55.000Z',
  issuedBy: 'anna',
  validUntil: '2026-01-05T14:30:25.000Z',
};
const key = snapshotKey(account, command.id);

const gold = {
  conId: 495512563,
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
const silver = { ...gold, conId: 495512570, symbol: 'SI', localSymbol: 'SIZ5', multiplier: '5000' };
const position = (contract: PositionFact['contract'], size: string, of = account): PositionFact => ({
  kind: 'position',
  account: of,
  contract,
  position: size,
  averageCost: '132340',
});
const status = (permId: number): BrokerFact => ({
  kind: 'order-status',
  orderId: permId,
  clientId: 1,
  permId,
  parentId: 0,
  status: 'Submitted',
  filled: '0',
  remaining: '1',
  averageFillPrice: '0',
  whyHeld: '',
});

class Bucket implements ObjectStore {
  readonly objects = new Map<string, StoredObject>();
  async put(object: StoredObject, { onlyIfNew = false } = {}): Promise<'stored' | 'exists'> {
    if (onlyIfNew && this.objects.has(object.key)) return 'exists';
    this.objects.set(object.key, object);
    return 'stored';
  }
  async get(name: string): Promise<Uint8Array | undefined> {
    return this.objects.get(name)?.body;
  }
  async *list(): AsyncGenerator<{ key: string; bytes: number }, void, undefined> {
    for (const { key: name, body } of this.objects.values()) yield { key: name, bytes: body.length };
  }
}

type Answers = Partial<Record<BrokerList, { outcome: ListOutcome; facts: readonly BrokerFact[] }>>;

function hostOf(answers: Answers, bucket = new Bucket()) {
  const told: EventData<'snapshot.taken'>[] = [];
  const asked: BrokerList[] = [];
  let clock = Date.parse('2026-01-05T14:30:00.000Z');
  const host: SnapshotHost = {
    stage: 'sandbox',
    streamer: 'main',
    account,
    epoch: 7,
    collect: async (list) => {
      asked.push(list);
      return answers[list] ?? { outcome: 'ok', facts: [] };
    },
    session: () => ({ serverVersion: 176, marketMs: 1_767_623_400_000 }),
    store: bucket,
    bucket: 'evenkeel-sandbox-snapshots',
    tell: (taken) => told.push(snapshotTaken.parse(taken)),
    systemMs: () => (clock += 250),
  };
  const document = () =>
    snapshotDocument.parse(JSON.parse(new TextDecoder().decode(bucket.objects.get(key)?.body)));
  return { host, told, asked, bucket, document };
}

const running = () => new AbortController().signal;

describe('a snapshot', () => {
  it('holds every list with its outcome, lies under the id of its command, and is told with its SHA-256', async () => {
    const { host, told, asked, bucket, document } = hostOf({
      positions: { outcome: 'ok', facts: [position(gold, '2')] },
      'completed-orders': { outcome: 'partial', facts: [] },
    });
    await takeSnapshot(command, host, running());
    expect(asked).toEqual(['positions', 'open-orders', 'completed-orders', 'executions', 'account-values']);
    const { body } = bucket.objects.get(key)!;
    const parts = {
      positions: 'ok',
      openOrders: 'ok',
      completedOrders: 'partial',
      executions: 'ok',
      accountValues: 'ok',
    };
    const sha256 = createHash('sha256').update(body).digest('hex');
    expect(told).toEqual([
      { commandId: command.id, bucket: host.bucket, key, sha256, bytes: body.length, parts },
    ]);
    expect(document()).toMatchObject({
      commandId: command.id,
      account,
      epoch: 7,
      serverVersion: 176,
      brokerTimeMs: 1_767_623_400_000,
      startedAt: '2026-01-05T14:30:00.250Z',
      completedAt: '2026-01-05T14:30:00.500Z',
      parts: { positions: { outcome: 'ok', rows: [position(gold, '2')] } },
    });
  });

  it('a question that failed is failed, and never an empty list called ok', async () => {
    const { host, told, document } = hostOf({
      positions: { outcome: 'failed', facts: [position(gold, '2')] },
      executions: { outcome: 'failed', facts: [] },
    });
    await takeSnapshot(command, host, running());
    expect(document().parts.positions).toEqual({ outcome: 'failed', rows: [] });
    expect(told[0]?.parts).toMatchObject({ positions: 'failed', executions: 'failed', openOrders: 'ok' });
  });

  it('the same answers in another order have the same bytes, and of rows about one thing the last counts', async () => {
    const bodies = await Promise.all(
      [
        [position(gold, '2'), position(silver, '-1')],
        [position(silver, '-1'), position(gold, '1'), position(gold, '2')],
      ].map(async (facts) => {
        const { host, bucket } = hostOf({ positions: { outcome: 'ok', facts } });
        await takeSnapshot(command, host, running());
        return new TextDecoder().decode(bucket.objects.get(key)?.body);
      }),
    );
    expect(bodies[0]).toBe(bodies[1]);
    expect(bodies[0]).toMatch(/^\{"account":/);
  });

  it('holds its own account alone, of a login that sees several', async () => {
    const order = (permId: number, of: string): BrokerFact => ({
      kind: 'open-order',
      account: of,
      orderId: permId,
      clientId: 1,
      permId,
      orderRef: '',
      contract: gold,
      terms: terms({ quantity: '1', orderType: 'MKT', limitPrice: null }),
      transmit: true,
      status: 'Submitted',
      warning: '',
    });
    const { host, document } = hostOf({
      positions: { outcome: 'ok', facts: [position(gold, '2', 'DU2'), position(silver, '1')] },
      'open-orders': { outcome: 'ok', facts: [order(5, 'DU2'), status(5), order(6, account), status(6)] },
    });
    await takeSnapshot(command, host, running());
    expect(document().parts.positions.rows).toEqual([position(silver, '1')]);
    expect(
      document()
        .parts.openOrders.rows.map(({ kind, permId }) => `${kind} ${permId}`)
        .sort(),
    ).toEqual(['open-order 6', 'order-status 6']);
  });

  it('the same command once more leaves the snapshot that lies there, and tells that one again', async () => {
    const bucket = new Bucket();
    const first = hostOf({ positions: { outcome: 'ok', facts: [position(gold, '2')] } }, bucket);
    await takeSnapshot(command, first.host, running());
    const body = bucket.objects.get(key)?.body;
    const second = hostOf({ positions: { outcome: 'ok', facts: [] } }, bucket);
    await takeSnapshot(command, second.host, running());
    expect(bucket.objects.get(key)?.body).toBe(body);
    expect(second.told).toEqual(first.told);
  });

  it('one that is interrupted stores and tells nothing', async () => {
    const { host, told, bucket } = hostOf({});
    const abort = new AbortController();
    const never = new Promise<never>(() => undefined);
    const collect: SnapshotHost['collect'] = (list) => {
      if (list === 'executions') abort.abort();
      return list === 'executions' ? never : host.collect(list);
    };
    const work = takeSnapshot(command, { ...host, collect }, abort.signal);
    await expect(work).rejects.toThrow(/SNAPSHOT_INTERRUPTED/);
    expect(bucket.objects.size).toBe(0);
    expect(told).toEqual([]);
  });
});
