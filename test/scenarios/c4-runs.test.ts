/** C4, what a run of reconcile does about flags, locks and other runs; on real tables. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOpenFor } from '../../lib/domain/safety/lock.ts';
import type { Book } from '../../lib/ports/book.ts';
import { stateText } from '../helpers/book-tables.ts';
import { type DynamoEngine, engineIsHere, startDynamoEngine } from '../helpers/dynamo-engine.ts';
import { execute, ReconcileDesk, stage } from '../helpers/reconcile-desk.ts';
import { account, minute } from '../helpers/reconcile-world.ts';

describe.skipIf(!engineIsHere)('C4: staging, flags, locks', () => {
  let engine: DynamoEngine;
  let count = 0;
  /** An order that the book does not have, and an order that both have. */
  const openDesk = async () => {
    count += 1;
    const desk = await ReconcileDesk.open(engine, `c4-${count}`);
    desk.world.both(17).open(18);
    await desk.book();
    return desk;
  };
  /** What the book says, but for the run's own items. */
  const bookOf = async (desk: ReconcileDesk) =>
    (await stateText(desk.tables.book, account))
      .split('\n')
      .filter((line) => !['run', 'plan', 'lock', 'flags'].includes(JSON.parse(line).ref.kind))
      .join('\n');

  beforeAll(async () => {
    engine = await startDynamoEngine();
  });
  afterAll(async () => engine.stop());

  it('S076 DRY_RUN: the plan is stored, nothing is changed', async () => {
    const desk = await openDesk();
    const before = await bookOf(desk);
    await desk.flags({ DRY_RUN: true, SAFE_MODE: true, DRY_RUN_CONFIRM: true });
    const answer = await desk.run(
      {},
      {},
      { mode: 'auto_sync', autoSync: ['UNKNOWN_ORDER', 'MISSING_FROM_BOOK'] },
    );
    expect(answer).toMatchObject({ status: 'DRY_RUN', plan_state: 'staged', actions: 1 });
    expect(desk.store.json(answer.staged_actions)).toMatchObject({
      plan_hash: answer.plan_hash,
      config: { dry_run: true },
    });
    expect(await desk.plan(answer.plan_hash)).toMatchObject({ state: 'staged', approval: null, done: 0 });
    expect(await bookOf(desk)).toBe(before);
    // The only command was the question for the snapshot; nobody was asked to apply anything.
    expect(desk.commands.map(({ type }) => type)).toEqual(['snapshot']);
    expect(desk.said('plan.approved')).toEqual([]);
    expect((await desk.safety.lock(account)).state).toBe('locked');
  });

  it('S077 SAFE_MODE: read-only: a run looks and stages, approves nothing, and opens no SAFE_MODE', async () => {
    const desk = await openDesk();
    const before = await bookOf(desk);
    await desk.flags({ ...execute, SAFE_MODE: true });
    const answer = await desk.run(
      {},
      {},
      { mode: 'auto_sync', autoSync: ['UNKNOWN_ORDER', 'MISSING_FROM_BOOK'] },
    );
    expect(answer).toMatchObject({ status: 'AWAITING_DRY_RUN_CONFIRM', plan_state: 'staged' });
    expect(await bookOf(desk)).toBe(before);
    desk.world.rows.openOrders = desk.world.rows.openOrders.filter(({ permId }) => permId === 17);
    expect(await desk.run()).toMatchObject({ status: 'COMPLETED', lock: { state: 'open' } });
    expect((await desk.safety.flags(account)).flags.SAFE_MODE).toBe(true);
    expect(desk.commands.every(({ type }) => type === 'snapshot')).toBe(true);
  });

  it('S078 CONFIRM false: AWAITING_DRY_RUN_CONFIRM, and trading is locked', async () => {
    const desk = await openDesk();
    await desk.flags(stage);
    desk.world.rows.openOrders = desk.world.rows.openOrders.filter(({ permId }) => permId === 17);
    await desk.run();
    expect(isOpenFor(await desk.safety.lock(account), 1)).toBe(true);
    desk.world.open(18);
    const answer = await desk.run({ trigger: 'schedule', by: 'clock' });
    expect(answer).toMatchObject({ status: 'AWAITING_DRY_RUN_CONFIRM', lock: { state: 'locked' } });
    const lock = await desk.safety.lock(account);
    expect(lock).toMatchObject({ state: 'locked', reason: 'a plan of 1 action waits for approval' });
    // However long it waits: what nobody has carried out is not given up.
    for (let n = 0; n < 5; n += 1) {
      expect(await desk.run({ trigger: 'schedule', by: 'clock' })).toMatchObject({
        status: 'AWAITING_DRY_RUN_CONFIRM',
        plan_hash: answer.plan_hash,
        lock: { state: 'locked' },
      });
    }
  });

  it('S085 two reconcilers at once: the second refuses, and one that overslept cannot write over its successor', async () => {
    const desk = await openDesk();
    await desk.flags(stage);
    let second: Awaited<ReturnType<typeof desk.run>> | undefined;
    let third: Awaited<ReturnType<typeof desk.run>> | undefined;
    desk.answer = async (command) => {
      const text = desk.document(command);
      if (desk.commands.length > 1) return text;
      // While the first waits for its snapshot a task that replaces it asks for a run,
      second = await desk.runNow({ trigger: 'start', by: 'another task' });
      // and once more when the first has slept longer than it may hold the lock.
      desk.world.later(10 * minute);
      third = await desk.runNow({ trigger: 'start', by: 'another task' });
      return text;
    };
    const first = await desk.run({ trigger: 'start', by: 'a task' });
    expect(second).toMatchObject({ status: 'SKIPPED', code: 'BUSY' });
    expect(second?.reason).toContain(first.run_id);
    expect(third).toMatchObject({ status: 'AWAITING_DRY_RUN_CONFIRM' });
    expect(first).toMatchObject({ status: 'SKIPPED', code: 'FENCED', plan_hash: third!.plan_hash });
    expect(await desk.state()).toMatchObject({
      last: { runId: third!.run_id, token: 2 },
      planHash: third!.plan_hash,
    });
    expect((await desk.safety.flags(account)).flags.SAFE_MODE).toBe(false);
    // That a run never ended is told.
    expect(desk.alerts()).toEqual(['reconcile_failed']);
    const writers: string[] = [];
    for await (const row of desk.tables.audit.rows(account, 'reconcile')) writers.push(row.cause.id);
    expect(writers).toEqual([first.run_id, third!.run_id, third!.run_id]);
  });

  it('S088 a run that takes longer than the interval: no overlap, the next tick is skipped', async () => {
    const desk = await openDesk();
    await desk.flags(stage);
    const ticks: string[] = [];
    desk.answer = async (command) => {
      const text = desk.document(command);
      for (let tick = 0; tick < 2; tick += 1) {
        const { status, code } = await desk.runNow({ trigger: 'schedule', by: 'clock' });
        ticks.push(`${status} ${code}`);
      }
      return text;
    };
    const first = await desk.run({ trigger: 'schedule', by: 'clock' });
    expect(ticks).toEqual(['SKIPPED BUSY', 'SKIPPED BUSY']);
    expect(first.status).toBe('AWAITING_DRY_RUN_CONFIRM');
    expect(desk.commands).toHaveLength(1);
    // The next tick finds the lock given back.
    desk.answer = async (command) => desk.document(command);
    expect(await desk.run({ trigger: 'schedule', by: 'clock' })).toMatchObject({
      plan_hash: first.plan_hash,
    });
    expect(await desk.state()).toMatchObject({ last: { token: 2 } });
  });

  it('S090 a flag changed while a run is under way counts from the next run on; unreadable flags are SAFE_MODE', async () => {
    const desk = await openDesk();
    await desk.flags({ DRY_RUN: true, SAFE_MODE: false });
    desk.answer = async (command) => {
      await desk.flags(execute);
      return desk.document(command);
    };
    expect(await desk.run()).toMatchObject({ status: 'DRY_RUN' });
    desk.answer = async (command) => desk.document(command);
    expect(await desk.run()).toMatchObject({ status: 'AWAITING_DRY_RUN_CONFIRM' });

    const [item] = await desk.tables.book.read(account, [{ kind: 'flags', id: '' }]);
    const cause = { kind: 'operator', id: 'anna', name: 'damage', reason: 'test' } as const;
    await desk.tables.book.commit({
      account,
      writer: 'operator',
      cause,
      atMs: desk.nowMs,
      orderKey: '',
      writes: [{ ref: item!.ref, expectedVersion: item!.version, body: { DRY_RUN: 'no' } }],
    });
    const settings = { mode: 'auto_sync', autoSync: ['UNKNOWN_ORDER', 'MISSING_FROM_BOOK'] };
    expect(await desk.run({}, {}, settings)).toMatchObject({ status: 'DRY_RUN', plan_state: 'staged' });
    expect(desk.store.json('latest/DU1/staged_actions.json')).toMatchObject({
      config: { dry_run: true, safe_mode: true },
    });
    // A store that does not answer at all fails the run, which sets SAFE_MODE as soon as it answers again.
    let reads = 0;
    const book: Book = Object.assign(Object.create(desk.tables.book) as Book, {
      read: async (...args: Parameters<Book['read']>) => {
        reads += 1;
        if (reads === 1) throw new Error('throttled');
        return desk.tables.book.read(...args);
      },
      commit: desk.tables.book.commit.bind(desk.tables.book),
    });
    expect(await desk.run({}, { book })).toMatchObject({ status: 'FAILED', lock: { state: 'locked' } });
    expect(await desk.safety.flags(account)).toMatchObject({
      source: 'stored',
      flags: { SAFE_MODE: true, DRY_RUN: true },
    });
  });
});
