import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BookTable } from '../../lib/aws/book-table.ts';
import { HeartbeatTable } from '../../lib/aws/heartbeat-table.ts';
import { LeaseRowError, LeaseTable } from '../../lib/aws/lease-table.ts';
import type { Heartbeat, Lease, LeaseStore } from '../../lib/ports/lease-store.ts';
import { LeaseKeeper } from '../../streamer/lease-keeper.ts';
import { createBookTables } from '../helpers/book-tables.ts';
import {
  collect,
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../helpers/dynamo-engine.ts';

const tableName = 'evenkeel-test-control';
const account = 'DU1234567';
const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const never = new AbortController().signal;

describe.skipIf(!engineIsHere)(`the control table (${engineIsHere ? 'dynoxide' : whenNoEngine})`, () => {
  let engine: DynamoEngine;
  let accounts = 0;

  beforeAll(async () => {
    engine = await startDynamoEngine();
    await engine.createTable(tableName);
  });
  afterAll(() => engine?.stop());

  const table = () => new LeaseTable({ client: engine.client, tableName, timeoutMs: 2_000 });
  const fresh = () => {
    accounts += 1;
    return `DU${accounts}`;
  };
  const keeper = (store: LeaseStore, holder: string, of: string) =>
    new LeaseKeeper({ account: of, store, config: { holder, ttlMs: 1_500, renewMs: 100 }, logger: silent });

  it('a lease reads as it was written, and is replaced only under the version that was read', async () => {
    const leases = table();
    const first: Lease = {
      holder: 'a',
      token: 1_790_000_001,
      version: 1,
      renewedAtMs: 1_767_623_400_123,
      released: false,
    };
    const second: Lease = { ...first, version: 2, released: true };
    expect(await leases.read(account)).toBeUndefined();
    expect(await leases.replace(account, undefined, first)).toBe(true);
    expect(await leases.replace(account, undefined, second)).toBe(false);
    expect(await leases.read(account)).toEqual(first);
    expect(await leases.replace(account, { ...first, version: 7 }, second)).toBe(false);
    expect(await leases.replace(account, { ...first, token: 7 }, second)).toBe(false);
    expect(await leases.replace(account, first, second)).toBe(true);
    expect(await leases.read(account)).toEqual(second);
    expect(await leases.read('DU7654321')).toBeUndefined();
  });

  it('a change of the book under a lease is made only while that lease is held: not before, by another token, or after', async () => {
    const { bookTable, auditTable } = await createBookTables(engine, 'leased');
    const book = new BookTable({ client: engine.client, bookTable, auditTable, controlTable: tableName });
    const of = fresh();
    const change = (id: string, lease: number) =>
      book.commit({
        account: of,
        writer: 'orders',
        cause: { kind: 'event', id, name: 'place', reason: '' },
        atMs: 0,
        orderKey: '',
        writes: [{ ref: { kind: 'intent', id }, expectedVersion: 0, body: { key: id } }],
        lease,
      });
    expect(await change('before', 1)).toBe('conflict');
    const held: Lease = { holder: 'a', token: 7, version: 1, renewedAtMs: 0, released: false };
    await table().replace(of, undefined, held);
    expect(await change('older', 6)).toBe('conflict');
    expect(await change('newer', 8)).toBe('conflict');
    expect(await change('ours', 7)).toBe('committed');
    await table().replace(of, held, { ...held, version: 2, released: true });
    expect(await change('after', 7)).toBe('conflict');
    const there = await collect(book.all(of));
    expect(there.flatMap(({ ref }) => (ref.kind === 'intent' ? [ref.id] : []))).toEqual(['ours']);
    const without = new BookTable({ client: engine.client, bookTable, auditTable });
    await expect(
      without.commit({
        account: of,
        writer: 'orders',
        cause: { kind: 'event', id: 'x', name: 'place', reason: '' },
        atMs: 0,
        orderKey: '',
        writes: [{ ref: { kind: 'intent', id: 'x' }, expectedVersion: 0, body: {} }],
        lease: 7,
      }),
    ).rejects.toThrow(/control table/);
  });

  it('a row that no streamer wrote is named rather than taken for a free lease', async () => {
    const of = fresh();
    const Item = { pk: { S: `A#${of}` }, sk: { S: 'LEASE' }, holder: { S: 'x' } };
    await engine.client.send(new PutItemCommand({ TableName: tableName, Item }));
    await expect(table().read(of)).rejects.toThrow(LeaseRowError);
  });

  it('of many writers with the same version one wins', async () => {
    const of = fresh();
    const leases = table();
    const base: Lease = { holder: 'a', token: 1, version: 1, renewedAtMs: 0, released: false };
    await leases.replace(of, undefined, base);
    const won = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        leases.replace(of, base, { ...base, holder: `c${index}`, version: 2 }),
      ),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    expect((await leases.read(of))?.holder).toBe(`c${won.indexOf(true)}`);
  });

  it('the second waits while the first renews, and has it at once when it is given back', async () => {
    const of = fresh();
    const [anna, bert] = [keeper(table(), 'anna', of), keeper(table(), 'bert', of)];
    const first = await anna.acquire(0, never);
    expect(first).toMatchObject({ token: 1 });
    const waiting = bert.acquire(0, never);
    // Renewed for longer than a time to live.
    await vi.waitFor(async () => expect((await table().read(of))?.version).toBeGreaterThan(16), {
      timeout: 60_000,
    });
    expect(first?.mayWrite()).toBe(true);
    expect(bert.stats()).toMatchObject({ held: false, waitingFor: { holder: 'anna', token: 1 } });
    expect(await first?.release()).toBe(true);
    expect(first?.mayWrite()).toBe(false);
    const second = await waiting;
    expect(second).toMatchObject({ token: 2 });
    expect(second?.mayWrite()).toBe(true);
    await second?.release();
  });

  it('a holder whose table stops answering stops before the next one begins', async () => {
    const of = fresh();
    const real = table();
    let isCut = false;
    const cut = async <T>(work: () => Promise<T>): Promise<T> => {
      if (isCut) throw new Error('unreachable');
      return work();
    };
    const partitioned: LeaseStore = {
      read: (name) => cut(() => real.read(name)),
      replace: (name, expected, next) => cut(() => real.replace(name, expected, next)),
    };
    const [anna, bert] = [keeper(partitioned, 'anna', of), keeper(real, 'bert', of)];
    const first = await anna.acquire(0, never);
    const waiting = bert.acquire(0, never);
    isCut = true;
    await expect(first?.lost).resolves.toMatch(/not renewed/);
    expect(first?.mayWrite()).toBe(false);
    const second = await waiting;
    expect(second?.token).toBe(2);
    await second?.release();
  });

  it('the same outbox again has it at once, without waiting for the time to live', async () => {
    const of = fresh();
    const real = table();
    await real.replace(of, undefined, {
      holder: 'anna',
      token: 4,
      version: 9,
      renewedAtMs: Date.now(),
      released: false,
    });
    const again = await keeper(real, 'anna', of).acquire(0, never);
    expect(again?.token).toBe(5);
    expect((await real.read(of))?.version).toBe(10);
    await again?.release();
  });

  it('a wait that is given up takes nothing', async () => {
    const of = fresh();
    const real = table();
    const held: Lease = { holder: 'anna', token: 4, version: 9, renewedAtMs: 0, released: false };
    await real.replace(of, undefined, held);
    const abort = new AbortController();
    const waiting = keeper(real, 'bert', of).acquire(0, abort.signal);
    abort.abort();
    expect(await waiting).toBeUndefined();
    expect(await real.read(of)).toEqual(held);
  });

  it('a heartbeat of a former epoch does not replace a later one', async () => {
    const heartbeats = new HeartbeatTable({ client: engine.client, tableName });
    const beat = (epoch: number, atMs: number): Heartbeat => ({
      streamer: 'main',
      epoch,
      atMs,
      phase: 'ready',
      ready: true,
      marketMs: atMs - 5,
      feeds: [{ symbol: 'GCZ5', conId: 495512563, feed: 'live', trades: 12 }],
      orders: { synced: true, syncedAtMs: 0 },
      outboxDepth: 0,
      bookDepth: 3,
      startedAtMs: 1,
    });
    const of = fresh();
    expect(await heartbeats.read(of)).toBeUndefined();
    await heartbeats.write(of, beat(7, 1_000));
    await heartbeats.write(of, beat(7, 2_000));
    await heartbeats.write(of, beat(6, 3_000));
    expect(await heartbeats.read(of)).toEqual(beat(7, 2_000));
    await heartbeats.write(of, beat(8, 2_500));
    expect(await heartbeats.read(of)).toEqual(beat(8, 2_500));
  });
});
