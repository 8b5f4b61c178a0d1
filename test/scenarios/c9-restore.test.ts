/** C9: restores. What comes back is what was there, to the byte, or nothing is written. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { canonicalJson, chainTools, digest } from '../../lib/aws/audit-hash.ts';
import { SafetyStore } from '../../lib/aws/safety-store.ts';
import { restoreBackup } from '../../lib/backup/restore.ts';
import { planRestore } from '../../lib/backup/restore-plan.ts';
import type { RestoreRequest } from '../../lib/backup/restore-types.ts';
import { foldTrail } from '../../lib/domain/audit/fold.ts';
import { verifyAudit } from '../../lib/domain/audit/verify.ts';
import type { BookBody, BookRef } from '../../lib/domain/book/item.ts';
import { type DeskRecord, deskBody } from '../../lib/domain/orders/desk-record.ts';
import { planRef, runStateRef } from '../../lib/domain/reconcile/records.ts';
import { readFlags } from '../../lib/domain/safety/flags.ts';
import { readLock } from '../../lib/domain/safety/lock.ts';
import type { TradingMode } from '../../lib/domain/safety/trading-state.ts';
import {
  collect,
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../helpers/dynamo-engine.ts';
import { ReconcileDesk, stage } from '../helpers/reconcile-desk.ts';
import {
  changeBy,
  createDesk,
  type Desk,
  startMs,
  tradeDay,
  tradeDays,
  untouched,
} from '../helpers/restore-desk.ts';

const skipped = engineIsHere ? '' : ` (skipped: ${whenNoEngine})`;
const dayMs = 86_400_000;
const account = 'DU1';

let engine: DynamoEngine;
let desk: Desk;
let desks = 0;

async function foldText(of: Desk): Promise<Record<string, string>> {
  const folded = await foldTrail(of.tables.audit, account, chainTools.keyOf);
  return Object.fromEntries([...folded].map(([key, image]) => [key, canonicalJson({ ...image })]));
}

async function bookText(of: Desk): Promise<Record<string, string>> {
  const items = await collect(of.tables.book.all(account));
  return Object.fromEntries(
    items.map(({ ref, version, body }) => [chainTools.keyOf(ref), canonicalJson({ version, body })]),
  );
}

function inPlace(changes: Partial<RestoreRequest> = {}): RestoreRequest {
  return desk.request({ inPlace: true, backupFirst: async () => ({ id: 'x' }), ...changes });
}

async function standing(ref: BookRef): Promise<BookBody | undefined> {
  return (await desk.tables.another().read(account, [ref]))[0]?.body;
}

/** One item, whatever it said before; null takes it away. */
async function write(name: string, ref: BookRef, body: BookBody | null): Promise<void> {
  const book = desk.tables.another();
  const [item] = await book.read(account, [ref]);
  const result = await book.commit({
    account,
    writer: 'plan',
    cause: { kind: 'plan', id: 'plan-1', name, reason: '' },
    atMs: startMs + 9 * dayMs,
    orderKey: '',
    writes: [{ ref, expectedVersion: item?.version ?? 0, body }],
  });
  expect(result).toBe('committed');
}

async function chainFaults(of: Desk): Promise<unknown[]> {
  const reports = await verifyAudit(of.tables.audit, account, digest);
  return reports.flatMap(({ finding }) => finding ?? []);
}

describe.skipIf(!engineIsHere)(`C9 restore${skipped}`, () => {
  beforeAll(async () => {
    engine = await startDynamoEngine();
  });
  afterAll(() => engine?.stop());
  beforeEach(async () => {
    desks += 1;
    desk = await createDesk(engine, `desk${desks}`);
    await tradeDays(desk, account, 4);
  });

  it('S139 restore into an empty table: the same book to the byte, and the trail says why', async () => {
    await desk.backup({
      meanwhile: async () => {
        await tradeDay(desk.tables.book, account, 6);
        await changeBy('plan', desk.tables.book, account, 'P16', null, startMs + 7 * dayMs);
        await changeBy('plan', desk.tables.book, account, 'P16', { again: 1 }, startMs + 7 * dayMs);
      },
    });
    const [book, audit] = [await desk.dump('book'), await desk.dump('audit')];
    await desk.wipe();
    const plan = await planRestore(desk.request());
    expect(plan.accounts).toMatchObject([
      { state: 'empty', needsInPlace: false, changes: { change: 0, remove: 0 } },
    ]);
    expect((await desk.dump('book')).size).toBe(0);

    const { accounts, backupBefore } = await restoreBackup(desk.request());

    expect(untouched(await desk.dump('book'))).toEqual(untouched(book));
    expect(untouched(await desk.dump('audit'))).toEqual([...audit.values()]);
    expect(await chainFaults(desk)).toEqual([]);
    expect(await foldText(desk)).toEqual(await bookText(desk));
    const [restored] = accounts;
    expect(restored).toMatchObject({ how: 'empty', resumed: false, replayed: null, changes: null });
    for (const { manifest, restored: found } of restored!.counts) expect(found).toBe(manifest);
    expect(restored!.counts.map(({ restored: found }) => found)).toEqual([4, 23, 5]);
    expect(plan.accounts[0]?.changes.add).toBe(restored!.items);
    expect(backupBefore).toBe('');
    const [flags, lock] = await desk.tables.another().read(account, [
      { kind: 'flags', id: '' },
      { kind: 'lock', id: '' },
    ]);
    expect(readFlags(flags?.body)).toMatchObject({
      flags: { DRY_RUN: true, SAFE_MODE: true, DRY_RUN_CONFIRM: false, FORCE_SYNC_DELETE: false },
      reason: 'the table was deleted',
    });
    expect(readLock(lock?.body)).toMatchObject({ state: 'locked', source: 'stored' });
    const rows = await collect(desk.tables.audit.rows(account, 'restore'));
    expect(rows).toMatchObject([
      {
        seq: 1,
        cause: { kind: 'restore', id: accountBackup(await desk.bucket.get('manifests/000001.json')) },
      },
    ]);
  });

  it('S139 restore, then reconcile: nothing differs but what has happened since', async () => {
    desks += 1;
    const traded = await createDesk(engine, `desk${desks}`);
    const runs = ReconcileDesk.over(engine, traded.tables, traded.names.control);
    runs.world.both(17).both(18);
    await runs.book();
    await runs.flags(stage);
    const before = await runs.run();
    expect(before).toMatchObject({ status: 'COMPLETED', discrepancy_count: 0 });
    await traded.backup();
    await traded.wipe();
    await restoreBackup(traded.request());
    await runs.flags(stage);
    expect(await runs.run()).toMatchObject({
      status: 'COMPLETED',
      discrepancy_count: 0,
      summary: before.summary,
    });

    await traded.wipe();
    await restoreBackup(traded.request());
    runs.world.open(19);
    await runs.flags(stage);
    const since = await runs.run();
    expect(since).toMatchObject({ status: 'AWAITING_DRY_RUN_CONFIRM', discrepancy_count: 1, actions: 1 });
    expect((await runs.plan(since.plan_hash))!).toMatchObject({ inserts: 1, updates: 0, deletes: 0 });
    const opened = runs.said('discrepancy.opened').at(-1);
    expect(JSON.stringify(opened)).toContain('19');
  });

  it('S139 restore into a book that is not empty is refused, and nothing is written', async () => {
    await desk.backup();
    await tradeDay(desk.tables.book, account, 9);
    const before = [await desk.dump('book'), await desk.dump('audit'), await desk.dump('control')];
    await expect(restoreBackup(desk.request())).rejects.toMatchObject({ code: 'RESTORE_BOOK_NOT_EMPTY' });
    expect([await desk.dump('book'), await desk.dump('audit'), await desk.dump('control')]).toEqual(before);
  });

  it('S139 in place, with the flag: a backup first, then the book is the backup, and the trail is only added to', async () => {
    const { manifest } = await desk.backup();
    const then = await bookText(desk);
    await tradeDay(desk.tables.book, account, 9);
    await changeBy('plan', desk.tables.book, account, 'P11', null, startMs + 10 * dayMs);
    await changeBy('plan', desk.tables.book, account, 'P12', { broken: true }, startMs + 10 * dayMs);
    const [audit, before] = [await desk.dump('audit'), await bookText(desk)];
    const plan = await planRestore(desk.request());
    expect(plan.accounts).toMatchObject([{ state: 'in-use', needsInPlace: true }]);
    expect(await bookText(desk)).toEqual(before);

    let asked = 0;
    const backupFirst = async () => {
      asked += 1;
      expect(await bookText(desk)).toEqual(before);
      return { id: 'db_backup_20260204_000000' };
    };
    const result = await restoreBackup(desk.request({ inPlace: true, backup: manifest.id, backupFirst }));

    expect(asked).toBe(1);
    expect(result).toMatchObject({
      backupBefore: 'db_backup_20260204_000000',
      accounts: [{ how: 'in-place' }],
    });
    expect(result.accounts[0]?.changes).toEqual(plan.accounts[0]?.changes);
    expect(result.accounts[0]?.changes).toMatchObject({ add: 1 });
    const bodies = (items: Record<string, string>): Record<string, unknown> =>
      Object.fromEntries(
        Object.entries(items)
          .filter(([key]) => !/^(FLAGS|LOCK|AUDIT#.*)$/.test(key))
          .map(([key, text]) => [key, JSON.parse(text).body]),
      );
    expect(bodies(await bookText(desk))).toEqual(bodies(then));
    const after = await desk.dump('audit');
    for (const [key, text] of audit) expect(after.get(key)).toBe(text);
    expect(await chainFaults(desk)).toEqual([]);
    expect(await foldText(desk)).toEqual(await bookText(desk));
    // Again: nothing is left to change.
    const again = await planRestore(desk.request({ backup: manifest.id }));
    expect(again.accounts[0]?.changes).toEqual({ add: 0, change: 0, remove: 0 });
  });

  it('S139 an intent is never taken back, or an order could be sent twice', async () => {
    const intent = { kind: 'intent', id: 'ref-1' } as const;
    const write = (expectedVersion: number, body: Record<string, string>) =>
      desk.tables.book.commit({
        account,
        writer: 'plan',
        cause: { kind: 'plan', id: 'plan-1', name: 'intent', reason: '' },
        atMs: startMs + 9 * dayMs,
        orderKey: '',
        writes: [{ ref: intent, expectedVersion, body }],
      });
    await write(0, { state: 'reserved' });
    await desk.backup();
    await write(1, { state: 'sent' });
    await restoreBackup(desk.request({ inPlace: true, backupFirst: async () => ({ id: 'x' }) }));
    expect(await desk.tables.another().read(account, [intent])).toMatchObject([
      { version: 2, body: { state: 'sent' } },
    ]);
  });

  it.each([
    ['reduce-only', 'halted'],
    ['halted', 'active'],
    ['', 'halted'],
    ['halted', ''],
  ] as const)('S139 in place: what the backup has of trading is %j, and %j stands', async (then, stands) => {
    const says = async (mode: TradingMode) => safety.setTrading(account, mode, { who: 'anna', reason: mode });
    const safety = new SafetyStore({ book: desk.tables.book, nowMs: () => startMs + 9 * dayMs });
    if (then !== '') await says(then);
    await desk.backup();
    if (stands !== '') await says(stands);
    else await write('damage', { kind: 'trading', id: '' }, null);
    const asItStands = await safety.trading(account);
    const { accounts } = await restoreBackup(inPlace());
    const { source: _, ...after } = await safety.trading(account);
    expect(after).toMatchObject({ mode: stands || 'halted', by: 'anna' });
    // The first word of who halted stays.
    if (stands !== '') expect(after).toMatchObject({ at: asItStands.at, reason: asItStands.reason });
    expect(accounts).toMatchObject([{ trading: after }]);
    expect(await foldText(desk)).toEqual(await bookText(desk));
  });

  it('S139 in place: order ids, the risk day and the rate of orders stay as they stand', async () => {
    const ref = { kind: 'desk', id: '' } as const;
    const now: DeskRecord = {
      nextOrderId: 41,
      open: ['k1'],
      leftAtMs: [startMs + 8 * dayMs],
      value: { date: '2026-01-13', atStart: '100000', peak: '104000' },
    };
    await desk.backup();
    await write('order', ref, deskBody(now));
    expect(await planRestore(desk.request())).toMatchObject({ accounts: [{ changes: { remove: 0 } }] });
    await restoreBackup(inPlace());
    expect(await standing(ref)).toEqual(deskBody(now));

    await desk.backup();
    const later = deskBody({ ...now, nextOrderId: 57, open: [], leftAtMs: [] });
    await write('order', ref, later);
    await restoreBackup(inPlace());
    expect(await standing(ref)).toEqual(later);

    // One that nobody can read stops every order: it alone comes back from the backup, as it would where it is missing.
    for (const damaged of [{ nextOrderId: 'x' }, null]) {
      await write('damage', ref, damaged);
      await restoreBackup(inPlace());
      expect(await standing(ref)).toEqual(deskBody(now));
    }
    expect(await foldText(desk)).toEqual(await bookText(desk));
  });

  it('S139 in place: who halts while the book is changed is not overruled', async () => {
    const ref = { kind: 'trading', id: '' } as const;
    const safety = new SafetyStore({ book: desk.tables.another(), nowMs: () => startMs + 9 * dayMs });
    await safety.setTrading(account, 'reduce-only', { who: 'anna', reason: 'a quiet day' });
    await desk.backup();
    await write('damage', ref, null);
    const halting = inPlace({
      onProgress: ({ phase }) => {
        if (phase === 'compare')
          halted ??= safety.setTrading(account, 'halted', { who: 'ben', reason: 'stop' });
      },
    });
    let halted: Promise<unknown> | undefined;
    const { book } = halting.target;
    const commit = book.commit.bind(book);
    book.commit = async (change) => {
      if (change.writes.some((one) => one.ref.kind === 'trading')) await halted;
      return commit(change);
    };
    await restoreBackup(halting);
    expect(halted).toBeDefined();
    expect(await safety.trading(account)).toMatchObject({ mode: 'halted', by: 'ben' });
  });

  it('S139 in place: an intent that the book has lost comes back', async () => {
    const ref = { kind: 'intent', id: 'ref-2' } as const;
    await write('plan', ref, { state: 'sent' });
    await desk.backup();
    await write('damage', ref, null);
    await restoreBackup(inPlace());
    expect(await standing(ref)).toEqual({ state: 'sent' });
  });

  it('S139 in place: a reconcile that began before the restore does not open the lock after it', async () => {
    desks += 1;
    const traded = await createDesk(engine, `desk${desks}`);
    const runs = ReconcileDesk.over(engine, traded.tables, traded.names.control);
    runs.world.both(17);
    await runs.book();
    await runs.flags(stage);
    await runs.run();
    await traded.backup();
    const { answer } = runs;
    runs.answer = async (command) => {
      await restoreBackup(
        traded.request({ inPlace: true, accounts: undefined, backupFirst: async () => ({ id: 'x' }) }),
      );
      return answer(command);
    };
    const closed = { state: 'locked', reason: expect.stringMatching(/^restored from db_backup_/) };
    expect(await runs.run()).toMatchObject({ status: 'COMPLETED', lock: closed });
    runs.answer = answer;
    await runs.flags(stage);
    expect(await runs.run()).toMatchObject({ status: 'COMPLETED', lock: { state: 'open' } });
  });

  it.each([
    ['into an empty book', false],
    ['in place', true],
  ])(
    'S139 %s: a plan that was approved before the rollback is not carried out after it',
    async (_, inPlace) => {
      const hash = 'a'.repeat(64);
      const { book } = desk.tables;
      const store = async (state: string, version: number) =>
        expect(
          await book.commit({
            account,
            writer: 'reconcile',
            cause: { kind: 'reconcile', id: 'run', name: 'plan', reason: state },
            atMs: startMs + 5 * dayMs,
            orderKey: '',
            writes: [
              {
                ref: planRef(hash),
                expectedVersion: version,
                body: { hash, state, done: 0, actions: 1, cancelUntilMs: 5 },
              },
              { ref: runStateRef, expectedVersion: version, body: { planHash: hash } },
            ],
          }),
        ).toBe('committed');
      await store('applying', 0);
      await desk.backup();
      if (inPlace) await store('approved', 1);
      else await desk.wipe();
      const backupFirst = async () => ({ id: 'db_backup_20260110_000000' });
      await restoreBackup(desk.request({ inPlace, backupFirst }));
      const [plan] = await desk.tables.book.read(account, [planRef(hash)]);
      expect(plan?.body).toMatchObject({
        state: 'refused',
        refusedCode: 'PLAN_STALE',
        refusedReason: expect.stringMatching(
          /when 0 of 1 action of the plan a+ were carried out; the cancel of/,
        ),
        done: 0,
      });
      expect(await chainFaults(desk)).toEqual([]);
    },
  );

  it('S139 partial restore: begun and stopped, the same command goes on; another backup is refused', async () => {
    const first = await desk.backup({ atMs: startMs + 20 * dayMs });
    const second = await desk.backup({ atMs: startMs + 21 * dayMs });
    const book = await desk.dump('book');
    await desk.wipe();
    const stop = new AbortController();
    const stopped = desk.request({
      signal: stop.signal,
      onProgress: ({ phase }) => {
        if (phase === 'load') stop.abort(new Error('stopped by hand'));
      },
    });
    await expect(restoreBackup(stopped)).rejects.toThrow('stopped by hand');
    const half = await desk.dump('book');
    expect(half.get('A#DU1 AUDIT#book-keeper')).toContain(second.manifest.id);

    const other = restoreBackup(desk.request({ backup: first.manifest.id }));
    await expect(other).rejects.toMatchObject({
      code: 'RESTORE_OTHER_BEGUN',
      message: expect.stringContaining(second.manifest.id),
    });
    expect(await desk.dump('book')).toEqual(half);
    expect(await planRestore(desk.request())).toMatchObject({ accounts: [{ state: 'begun' }] });

    const { accounts } = await restoreBackup(desk.request());
    expect(accounts).toMatchObject([{ how: 'empty', resumed: true }]);
    expect(untouched(await desk.dump('book'))).toEqual(untouched(book));
    // Once more: it is known to be done.
    expect((await restoreBackup(desk.request())).accounts).toMatchObject([{ how: 'already' }]);
  });

  it('S139 restore, then compare: nothing differs but what happened since the backup', async () => {
    await desk.backup();
    await tradeDay(desk.tables.book, account, 9);
    const since = await bookText(desk);
    await desk.wipe();
    await restoreBackup(desk.request());
    const restored = await bookText(desk);
    const touched = new Set<string>(['FLAGS', 'LOCK', 'AUDIT#restore', 'AUDIT#book-keeper']);
    // What the lost day wrote is what one more delivery of its events writes.
    await tradeDay(desk.tables.another(), account, 9, 5_000);
    for (const [key, text] of Object.entries(await bookText(desk)))
      if (restored[key] !== text) touched.add(key);
    const rest = (items: Record<string, string>) =>
      Object.fromEntries(Object.entries(items).filter(([key]) => !touched.has(key)));
    expect(rest(restored)).toEqual(rest(since));
    expect(Object.keys(rest(since)).length).toBeGreaterThan(10);
    const flagsApart = (items: Record<string, string>) =>
      Object.fromEntries(Object.entries(items).filter(([key]) => !/^(FLAGS|LOCK|AUDIT#.*)$/.test(key)));
    expect(flagsApart(await bookText(desk))).toEqual(flagsApart(since));
  });

  it('S139 only the book was lost: the surviving trail is replayed over the backup', async () => {
    await desk.backup();
    await tradeDay(desk.tables.book, account, 9);
    await changeBy('plan', desk.tables.book, account, 'P11', null, startMs + 10 * dayMs);
    await changeBy('reconcile', desk.tables.book, account, 'P12', { mended: 1 }, startMs + 10 * dayMs);
    const [book, audit] = [await desk.dump('book'), await desk.dump('audit')];
    await desk.wipe(['book']);
    expect(await planRestore(desk.request())).toMatchObject({ accounts: [{ survivingRows: 7 }] });
    const { accounts } = await restoreBackup(desk.request());
    expect(accounts).toMatchObject([{ replayed: { rows: 7, until: '2026-01-15T14:30:00.000Z' } }]);
    expect(untouched(await desk.dump('book'))).toEqual(untouched(book));
    expect(untouched(await desk.dump('audit'))).toEqual([...audit.values()]);
    expect(await chainFaults(desk)).toEqual([]);
    expect(await foldText(desk)).toEqual(await bookText(desk));
  });
});

function accountBackup(manifest: Uint8Array | undefined): string {
  return JSON.parse(Buffer.from(manifest ?? []).toString()).id;
}
