import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson } from '../../lib/aws/audit-hash.ts';
import { BookError } from '../../lib/aws/book-error.ts';
import { type PlanRecord, planRef } from '../../lib/domain/reconcile/records.ts';
import { isOpenFor } from '../../lib/domain/safety/lock.ts';
import type { Book } from '../../lib/ports/book.ts';
import { acknowledge, pause, resume } from '../../lib/reconcile/pause.ts';
import { loadPlan } from '../../lib/reconcile/plan-store.ts';
import { rejudge } from '../../lib/reconcile/rejudge.ts';
import { runReconcile } from '../../lib/reconcile/run.ts';
import { stateText } from '../helpers/book-tables.ts';
import { type DynamoEngine, engineIsHere, startDynamoEngine } from '../helpers/dynamo-engine.ts';
import { execute, ReconcileDesk, stage } from '../helpers/reconcile-desk.ts';
import { account, minute } from '../helpers/reconcile-world.ts';

interface StagedFile {
  readonly generated_at: string;
  readonly plan_hash: string;
  readonly config: object;
  readonly plan: { readonly to_insert: readonly { readonly versions: readonly object[] }[] };
}

describe.skipIf(!engineIsHere)('a run of reconcile on real tables', () => {
  let engine: DynamoEngine;
  let count = 0;
  const openDesk = () => {
    count += 1;
    return ReconcileDesk.open(engine, `run${count}`);
  };

  beforeAll(async () => {
    engine = await startDynamoEngine();
  });
  afterAll(async () => engine.stop());

  it('a clean match is COMPLETED, opens the lock for the epoch of the snapshot, and says so with its evidence', async () => {
    const desk = await openDesk();
    desk.world.both(17);
    await desk.book();
    await desk.flags(stage);
    const answer = await desk.run({ reason: 'first look' });
    expect(answer).toMatchObject({
      status: 'COMPLETED',
      code: '',
      discrepancy_count: 0,
      has_critical_issues: false,
      summary: 'IB: 1, Book: 1, Discrepancies: 0 (0 critical)',
      plan_hash: '',
      lock: { state: 'open', token: 1 },
    });
    expect(answer.run_id).toMatch(/^run_20260105_\d{6}_[0-9a-f]{6}$/);
    const lock = await desk.safety.lock(account);
    expect(lock).toMatchObject({ state: 'open', runId: answer.run_id, source: 'stored' });
    expect([isOpenFor(lock, 1), isOpenFor(lock, 2), isOpenFor(lock, 0)]).toEqual([true, false, false]);
    expect(await desk.state()).toMatchObject({
      last: { status: 'COMPLETED', token: 1, why: 'first look' },
      planHash: '',
    });
    expect(desk.store.json('latest/DU1/reconcile_status.json')).toMatchObject({
      status: 'COMPLETED',
      inserted: 0,
      deleted: 0,
      updated: 0,
      ambiguous_count: 0,
      run_id: answer.run_id,
    });
    expect(desk.events.map(({ type }) => type)).toEqual(['reconcile.completed']);
    expect(desk.commands).toHaveLength(1);
    expect(await desk.runLocks.read(account)).toMatchObject({ token: 1, untilMs: 0 });
  });

  it('a plan lies in the bucket under its hash, the book has its record, the three files have the seeds’ shapes', async () => {
    const desk = await openDesk();
    desk.world.open(17);
    await desk.book();
    await desk.flags(stage);
    const before = await stateText(desk.tables.book, account);
    const answer = await desk.run();
    expect(answer).toMatchObject({ status: 'AWAITING_DRY_RUN_CONFIRM', plan_state: 'staged', actions: 1 });
    const record = (await desk.plan(answer.plan_hash))!;
    expect(record).toMatchObject({
      state: 'staged',
      inserts: 1,
      updates: 0,
      deletes: 0,
      done: 0,
      runId: answer.run_id,
    });
    const plan = await loadPlan(desk.store, record);
    expect(plan).toMatchObject({ hash: answer.plan_hash, account, runId: answer.run_id });
    const staged = desk.store.json<StagedFile>(answer.staged_actions);
    expect(Object.keys(staged.plan)).toEqual(
      expect.arrayContaining([
        'to_update',
        'to_delete',
        'to_insert',
        'ambiguous_matches',
        'spy_futures_actions',
      ]),
    );
    expect(staged.config).toMatchObject({ dry_run: false, safe_mode: false, dry_run_confirm: false });
    expect(staged.generated_at).toMatch(/Z$/);
    expect(staged.plan_hash).toBe(answer.plan_hash);
    expect(staged.plan.to_insert).toHaveLength(1);
    expect(staged.plan.to_insert[0]?.versions.length).toBeGreaterThan(0);
    expect(desk.store.objects.get('latest/DU1/staged_actions.json')).toEqual(
      desk.store.objects.get(answer.staged_actions),
    );
    // Nothing but the run's own items has changed.
    const after = await stateText(desk.tables.book, account);
    const added = after.split('\n').filter((line) => !before.split('\n').includes(line));
    expect(new Set(added.map((line) => JSON.parse(line).ref.kind))).toEqual(new Set(['lock', 'plan', 'run']));
    expect(added).toHaveLength(3);
    expect(desk.said('plan.staged')).toHaveLength(1);
    expect(desk.said('discrepancy.opened')).toHaveLength(1);

    // The next run makes the same plan: the one under review stands.
    const again = await desk.run();
    expect(again.plan_hash).toBe(answer.plan_hash);
    expect(desk.said('plan.staged')).toHaveLength(1);
    expect(desk.said('discrepancy.opened')).toHaveLength(1);
    // The broker moves on: another plan takes its place.
    desk.world.open(18);
    const moved = await desk.run();
    expect(moved.plan_hash).not.toBe(answer.plan_hash);
    expect(await desk.plan(answer.plan_hash)).toMatchObject({
      state: 'superseded',
      replacedBy: moved.plan_hash,
    });
    // Nobody needs it any more.
    desk.world.rows.openOrders = [];
    const none = await desk.run();
    expect(none).toMatchObject({ status: 'COMPLETED', plan_hash: '' });
    expect(await desk.plan(moved.plan_hash)).toMatchObject({ state: 'superseded', replacedBy: '' });
    expect(desk.said('discrepancy.resolved').length).toBeGreaterThan(0);
  });

  it('a plan is made anew once half of its time is over', async () => {
    const desk = await openDesk();
    desk.world.open(17);
    await desk.book();
    await desk.flags(stage);
    const first = await desk.run();
    desk.world.later(31 * minute);
    const second = await desk.run();
    expect(second.plan_hash).not.toBe(first.plan_hash);
    expect(await desk.plan(first.plan_hash)).toMatchObject({ state: 'superseded' });
  });

  it('the policy of auto_sync approves a plan of its classes alone, and asks for it again until it is applied', async () => {
    const desk = await openDesk();
    desk.world.open(17);
    await desk.book();
    await desk.flags(execute);
    const settings = { mode: 'auto_sync', autoSync: ['UNKNOWN_ORDER', 'MISSING_FROM_BOOK'] };
    const answer = await desk.run({}, {}, settings);
    expect(answer).toMatchObject({
      status: 'AWAITING_DRY_RUN_CONFIRM',
      plan_state: 'approved',
      lock: { state: 'locked' },
    });
    expect(await desk.plan(answer.plan_hash)).toMatchObject({ approval: { by: 'policy auto_sync' } });
    await desk.run({}, {}, settings);
    const asked = desk.said('plan.approved');
    expect(asked).toHaveLength(2);
    expect(asked[0]?.id).toBe(asked[1]?.id);
    // Not with classes that it does not name, and not while nothing may be carried out.
    const other = await openDesk();
    other.world.open(17);
    await other.book();
    await other.flags(execute);
    expect(await other.run({}, {}, { mode: 'auto_sync', autoSync: ['MISSING_FILL'] })).toMatchObject({
      plan_state: 'staged',
    });
    await other.flags(stage);
    expect(await other.run({}, {}, settings)).toMatchObject({ plan_state: 'staged' });
    await other.flags({ ...execute, SAFE_MODE: true });
    expect(await other.run({}, {}, settings)).toMatchObject({ plan_state: 'staged' });
  });

  it('no snapshot, a corrupted one and somebody else’s are STALE_DATA and no verdict', async () => {
    const desk = await openDesk();
    desk.world.both(17);
    await desk.book();
    await desk.flags(stage);
    const clean = await desk.run();
    expect(clean.status).toBe('COMPLETED');
    const broken: [string, typeof desk.answer][] = [
      ['no snapshot came within 60 s', async () => undefined],
      ['cannot be read', async (command) => desk.document(command).slice(0, 200)],
      ['cannot be read', async () => '{"kind":"evenkeel.snapshot"}'],
      ['not the one that was asked for', async () => desk.document({ id: 'another' })],
      [
        'old',
        async (command) => desk.document(command).replace(/"completedAt":"2026/, '"completedAt":"2025'),
      ],
    ];
    for (const [why, answer] of broken) {
      desk.answer = answer;
      const refused = await desk.run();
      expect(refused).toMatchObject({
        status: 'REFUSED',
        code: 'STALE_DATA',
        lock: { state: 'open' },
        actions: 0,
      });
      expect(refused.reason).toContain(why);
      expect(refused.by_type).toEqual({ STALE_DATA: 1 });
    }
    // A mode that locks on HIGH locks.
    expect(await desk.run({ mode: 'strict' })).toMatchObject({
      code: 'STALE_DATA',
      lock: { state: 'locked' },
    });
    desk.answer = async (command) => desk.document(command);
    desk.passedMs = 0;
    desk.world.outcome('completedOrders', 'partial');
    const partial = await desk.run();
    expect(partial).toMatchObject({ status: 'REFUSED', code: 'STALE_DATA', plan_hash: '' });
    expect(partial.unjudged[0]).toContain('completedOrders is partial');
    expect(desk.alerts()).not.toContain('reconcile_failed');
  });

  it('an unknown account, mode or field is refused with a clear error, and nothing changes', async () => {
    const desk = await openDesk();
    const anna = { trigger: 'operator', by: 'anna' };
    const wrong: [unknown, string, string][] = [
      [{ ...anna, account: 'DU999' }, 'RECONCILE_ACCOUNT_UNKNOWN', 'has the account DU999; it has DU1.'],
      [{ ...anna, mode: 'lenient' }, 'RECONCILE_REQUEST_INVALID', 'mode is "lenient": '],
      [{ ...anna, force: true }, 'RECONCILE_REQUEST_INVALID', 'Unrecognized key: "force"'],
      [{ by: 'anna' }, 'RECONCILE_REQUEST_INVALID', 'trigger is missing'],
      [null, 'RECONCILE_REQUEST_INVALID', 'the whole is null'],
      [
        { 'detail-type': 'candle.completed', source: 'evenkeel.streamer', detail: { account, id: 'x' } },
        'RECONCILE_REQUEST_INVALID',
        'The event candle.completed asks for no run.',
      ],
      [
        { 'detail-type': 'gateway.connected', source: 'evenkeel.streamer', detail: { id: 'x' } },
        'RECONCILE_REQUEST_INVALID',
        'detail.account is missing',
      ],
      [{ ...anna, account: 'x'.repeat(9_000) }, 'RECONCILE_ACCOUNT_UNKNOWN', 'xxx…; it has DU1.'],
    ];
    for (const [request, code, words] of wrong) {
      const refused = (await runReconcile(request, desk.options()).catch((error: unknown) => error)) as Error;
      expect(refused).toMatchObject({ code, message: expect.stringContaining(words) });
      expect(refused.message).toContain('Nothing was changed.');
      expect(refused.message.length).toBeLessThan(800);
    }
    expect(await stateText(desk.tables.book, account)).toBe('');
    expect(await desk.runLocks.read(account)).toBeUndefined();
    expect(desk.commands).toEqual([]);
  });

  it('a run that throws is FAILED: SAFE_MODE, a lock and the alert, in one audited transaction', async () => {
    const desk = await openDesk();
    desk.world.both(17);
    await desk.book();
    await desk.flags(stage);
    expect(await desk.run()).toMatchObject({ status: 'COMPLETED', lock: { state: 'open' } });
    const failing = {
      get: desk.store.get.bind(desk.store),
      put: async () => Promise.reject(new Error('the bucket is gone')),
    };
    const failed = await desk.run({ trigger: 'schedule', by: 'clock' }, { store: failing });
    expect(failed).toMatchObject({ status: 'FAILED', lock: { state: 'locked', token: 1 } });
    expect(failed.reason).toContain('the bucket is gone');
    expect(await desk.safety.flags(account)).toMatchObject({
      flags: { SAFE_MODE: true, DRY_RUN: false },
      source: 'stored',
    });
    expect(await desk.safety.lock(account)).toMatchObject({ state: 'locked', runId: failed.run_id });
    expect(desk.alerts()).toEqual(['reconcile_failed']);
    const rows = [];
    for await (const row of desk.tables.audit.rows(account, 'reconcile')) rows.push(row);
    const last = rows.at(-1)!;
    expect(last.cause).toMatchObject({ kind: 'reconcile', id: failed.run_id, name: 'reconcile FAILED' });
    expect(last.changes.map(({ item }) => item).sort()).toEqual(['FLAGS', 'LOCK', 'RUN#STATE']);
    // The next run that completes opens the lock; SAFE_MODE is a person's to clear.
    expect(await desk.run()).toMatchObject({ status: 'COMPLETED', lock: { state: 'open' } });
    expect((await desk.safety.flags(account)).flags.SAFE_MODE).toBe(true);
  });

  it('where even the failure cannot be written, the alert and the answer say so', async () => {
    const desk = await openDesk();
    const gone = new Error('no table');
    const book = { ...desk.options().book, read: async () => Promise.reject(gone) } as never;
    const failed = await desk.run({}, { book });
    expect(failed).toMatchObject({ status: 'FAILED', lock: { state: 'locked' } });
    expect(failed.reason).toContain('set them by hand');
    expect(desk.alerts()).toEqual(['reconcile_failed']);
  });

  it('a run is judged again from its evidence; a byte changed is a clear error', async () => {
    const desk = await openDesk();
    desk.world.open(17).position('2');
    await desk.book();
    await desk.flags(stage);
    const answer = await desk.run();
    await desk.run();
    const ports = { audit: desk.tables.audit, store: desk.store, canonicalJson };
    const again = await rejudge(account, answer.run_id, ports);
    expect(again).toMatchObject({
      same: true,
      samePlan: true,
      planHashThen: answer.plan_hash,
      planHashNow: answer.plan_hash,
      ruleVersionThen: answer.rule_version,
      onlyThen: [],
      onlyNow: [],
    });
    await expect(rejudge(account, 'run_20260105_000000_ffffff', ports)).rejects.toMatchObject({
      code: 'RUN_UNKNOWN',
    });
    await expect(rejudge(account, 'yesterday', ports)).rejects.toMatchObject({ code: 'RUN_UNKNOWN' });
    const bytes = Uint8Array.from(desk.store.objects.get(answer.evidence)!);
    bytes[bytes.length - 20]! ^= 1;
    desk.store.objects.set(answer.evidence, bytes);
    await expect(rejudge(account, answer.run_id, ports)).rejects.toMatchObject({ code: 'EVIDENCE_CORRUPT' });
    desk.store.objects.delete(answer.evidence);
    await expect(rejudge(account, answer.run_id, ports)).rejects.toMatchObject({ code: 'EVIDENCE_MISSING' });
  });

  it('a person pauses the runs of the clock, goes on, and acknowledges what is known; all of it is audited', async () => {
    const desk = await openDesk();
    desk.world.open(17);
    await desk.book();
    await desk.flags(stage);
    const ports = { ...desk.options(), store: desk.store };
    const anna = { account, who: 'anna', reason: 'roll day' };
    await pause(anna, desk.nowMs + 60 * minute, ports);
    const clock = { trigger: 'schedule', by: 'clock' };
    expect(await desk.run(clock)).toMatchObject({
      status: 'POSTPONED',
      code: 'PAUSED',
      lock: { state: 'locked' },
    });
    expect(desk.commands).toEqual([]);
    // A person's run takes place.
    expect(await desk.run()).toMatchObject({ status: 'AWAITING_DRY_RUN_CONFIRM' });
    expect(await desk.run(clock)).toMatchObject({ status: 'POSTPONED' });
    await resume(anna, ports);
    const judged = await desk.run(clock);
    expect(judged.status).toBe('AWAITING_DRY_RUN_CONFIRM');
    await pause(anna, desk.nowMs + 4 * minute, ports);
    // It ends by itself.
    expect((await desk.run(clock)).status).toBe('AWAITING_DRY_RUN_CONFIRM');
    await expect(pause(anna, desk.nowMs + 25 * 60 * minute, ports)).rejects.toMatchObject({
      code: 'PAUSE_INVALID',
    });
    const [type] = Object.keys(judged.by_type);
    await acknowledge(anna, `${type}:order P17`, ports);
    await desk.run(clock);
    expect(Object.keys((await desk.state()).acknowledged)).toEqual([`${type}:order P17`]);
    await expect(acknowledge(anna, 'MISSING_FILL:order P99', ports)).rejects.toMatchObject({
      code: 'ACKNOWLEDGE_INVALID',
    });
    desk.world.rows.openOrders = [];
    await desk.run(clock);
    expect((await desk.state()).acknowledged).toEqual({});
    const people = [];
    for await (const row of desk.tables.audit.rows(account, 'operator'))
      people.push(row.cause.name.split(' 20')[0]);
    expect(people).toEqual(
      expect.arrayContaining(['reconcile pause', 'reconcile resume', `reconcile ack ${type}:order P17`]),
    );
  });

  it('ambiguous matches refuse the whole plan: kept for review, the alert once, trading locked', async () => {
    const desk = await openDesk();
    desk.world.told(0, { key: 'intent-1', orderId: 0, orderRef: 'ours-1' });
    desk.world.open(8, { orderRef: 'ours-1' }).open(9, { orderRef: 'ours-1' }).open(30);
    await desk.book();
    await desk.flags(execute);
    const settings = { mode: 'auto_sync', autoSync: ['UNKNOWN_ORDER', 'MISSING_FROM_BOOK'] };
    const refused = await desk.run({}, {}, settings);
    expect(refused).toMatchObject({
      status: 'REFUSED',
      code: 'AMBIGUOUS',
      ambiguous_count: 1,
      plan_state: 'refused',
      lock: { state: 'locked' },
    });
    expect(await desk.plan(refused.plan_hash)).toMatchObject({
      refusedCode: 'PLAN_AMBIGUOUS',
      approval: null,
    });
    expect(desk.store.json('latest/DU1/ambiguous_matches.json')).toMatchObject({
      ambiguous_count: 1,
      ambiguous_matches: [{ book: ['intent-1'], broker: ['8', '9'] }],
    });
    expect(await desk.run({}, {}, settings)).toMatchObject({ plan_hash: refused.plan_hash });
    expect(desk.alerts()).toEqual(['ambiguous_matches_found']);
    expect(desk.said('plan.approved')).toEqual([]);
  });

  it('a mass change is refused as a whole', async () => {
    const desk = await openDesk();
    for (let n = 1; n <= 12; n += 1) desk.world.told(n).completed(n, 'Cancelled by Trader');
    await desk.book();
    await desk.flags(execute);
    const refused = await desk.run();
    expect(refused).toMatchObject({
      status: 'REFUSED',
      code: 'MASS_CHANGE',
      plan_state: 'refused',
      actions: 12,
    });
    expect(await desk.plan(refused.plan_hash)).toMatchObject({
      refusedCode: 'PLAN_MASS_CHANGE',
      refusedReason: '12 of 12',
    });
  });

  it('while a plan is carried out runs are postponed, and it is asked for again; a rejected one stays rejected', async () => {
    const desk = await openDesk();
    desk.world.open(17);
    await desk.book();
    await desk.flags(stage);
    const staged = await desk.run();
    const set = async (state: PlanRecord['state']) => {
      const ref = planRef(staged.plan_hash);
      const [item] = await desk.tables.book.read(account, [ref]);
      const body = { ...item!.body, state };
      const cause = { kind: 'plan', id: staged.plan_hash, name: state, reason: '' } as const;
      const writes = [{ ref, expectedVersion: item!.version, body }];
      await desk.tables.book.commit({
        account,
        writer: 'plan',
        cause,
        atMs: desk.nowMs,
        orderKey: '',
        writes,
      });
    };
    await set('rejected');
    expect(await desk.run()).toMatchObject({
      plan_hash: staged.plan_hash,
      plan_state: 'rejected',
      lock: { state: 'locked' },
    });
    await set('applying');
    const postponed = await desk.run();
    expect(postponed).toMatchObject({
      status: 'POSTPONED',
      code: 'PLAN_APPLYING',
      plan_hash: staged.plan_hash,
    });
    expect(desk.said('plan.approved')).toMatchObject([
      { data: { planHash: staged.plan_hash, start: 'asked' } },
    ]);
    await set('applied');
    // What the bus says of its end asks for the next run.
    const event = {
      'detail-type': 'plan.applied',
      source: 'evenkeel.apply-plan',
      detail: { account, id: 'plan:1' },
    };
    desk.world.later();
    const after = await runReconcile(event, desk.options());
    expect(after.status).toBe('AWAITING_DRY_RUN_CONFIRM');
    expect(await desk.state()).toMatchObject({
      last: { trigger: 'plan', by: 'evenkeel.apply-plan', why: 'plan.applied plan:1' },
    });
    expect(await desk.plan(staged.plan_hash)).toMatchObject({ state: 'applied' });
  });

  it('while the book is being restored a run is postponed, and writes nothing', async () => {
    const desk = await openDesk();
    const restoring = new BookError('BOOK_RESTORING', 'The change has to wait');
    const book = Object.assign(Object.create(desk.tables.book) as Book, {
      read: desk.tables.book.read.bind(desk.tables.book),
      commit: async () => Promise.reject(restoring),
    });
    expect(await desk.run({}, { book })).toMatchObject({ status: 'POSTPONED', code: 'BOOK_RESTORING' });
    expect(desk.alerts()).toEqual([]);
  });

  it('what was deleted softly is not seen, and is written over with its own version', async () => {
    const desk = await openDesk();
    desk.world.both(17);
    await desk.book();
    await desk.flags(stage);
    const ref = { kind: 'order', id: 'P17' } as const;
    const [item] = await desk.tables.book.read(account, [ref]);
    const body = { ...item!.body, deleted: { at: '2026-01-05T15:00:00.000Z', by: 'anna', plan: 'x' } };
    const cause = { kind: 'plan', id: 'x', name: 'x', reason: '' } as const;
    await desk.tables.book.commit({
      account,
      writer: 'plan',
      cause,
      atMs: desk.nowMs,
      orderKey: 'P17',
      writes: [{ ref, expectedVersion: item!.version, body }],
    });
    const answer = await desk.run();
    const plan = await loadPlan(desk.store, (await desk.plan(answer.plan_hash))!);
    const write = plan.actions.flatMap(({ writes }) => writes).find((one) => one.ref.kind === 'order');
    expect(write).toMatchObject({ ref, expectedVersion: item!.version + 1 });
    const ports = { audit: desk.tables.audit, store: desk.store, canonicalJson };
    expect(await rejudge(account, answer.run_id, ports)).toMatchObject({ same: true, samePlan: true });
  });
});
