import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson, digest } from '../../lib/aws/audit-hash.ts';
import { type PlanRecord, planBody, planRef } from '../../lib/domain/reconcile/records.ts';
import { applyPlan } from '../../lib/reconcile/apply-plan.ts';
import type { PlanNotice } from '../../lib/reconcile/plan-desk.ts';
import { type DynamoEngine, engineIsHere, startDynamoEngine } from '../helpers/dynamo-engine.ts';
import { execute, ReconcileDesk, stage } from '../helpers/reconcile-desk.ts';
import { account, minute } from '../helpers/reconcile-world.ts';

const clock = { trigger: 'schedule', by: 'clock' } as const;

describe.skipIf(!engineIsHere)('a plan that somebody approved and nobody goes on with', () => {
  let engine: DynamoEngine;
  let count = 0;

  beforeAll(async () => {
    engine = await startDynamoEngine();
  });
  afterAll(async () => engine.stop());

  /** A plan of two actions that a person approved before the function was stopped. */
  const openDesk = async (state: PlanRecord['state'] = 'approved') => {
    count += 1;
    const desk = await ReconcileDesk.open(engine, `resume${count}`);
    desk.world.open(17).open(18);
    await desk.book();
    await desk.flags(execute);
    const { plan_hash: hash } = await desk.run();
    const approval = {
      by: 'arn:anna',
      reason: 'as in TWS',
      at: new Date(desk.nowMs).toISOString(),
      proof: '',
    };
    await change(desk, hash, { state, approval });
    return { desk, hash };
  };
  const change = async (desk: ReconcileDesk, hash: string, more: Partial<PlanRecord>) => {
    const [item] = await desk.tables.book.read(account, [planRef(hash)]);
    const body = planBody({ ...(await desk.plan(hash))!, ...more });
    const cause = { kind: 'plan', id: hash, name: 'test', reason: '' } as const;
    const writes = [{ ref: planRef(hash), expectedVersion: item!.version, body }];
    const one = { account, writer: 'plan', cause, atMs: desk.nowMs, orderKey: '', writes };
    expect(await desk.tables.book.commit(one)).toBe('committed');
  };
  /** How often apply-plan was asked since the last time. */
  const asked = (desk: ReconcileDesk): string[] => {
    const hashes = desk.events.flatMap((event) =>
      event.type === 'plan.approved' ? [`${event.data.planHash} ${event.data.start}`] : [],
    );
    desk.events.length = 0;
    return hashes;
  };
  const apply = async (desk: ReconcileDesk, hash: string) => {
    const told: PlanNotice[] = [];
    const ports = {
      stage: 'sandbox' as const,
      book: desk.tables.book,
      plans: desk.store,
      canonicalJson,
      digest,
      massChange: { share: '0.2', atLeast: 10 },
      backup: async () => ({ id: 'b1' }),
      commands: () => undefined,
      tell: async (notice: PlanNotice) => {
        told.push(notice);
      },
      nowMs: () => desk.nowMs,
      sleep: async () => undefined,
    };
    const answer = await applyPlan({ account, hash }, ports);
    return { answer, told: told.map(({ type }) => type) };
  };

  it('is asked for by each run, once the flags allow it', async () => {
    const { desk, hash } = await openDesk();
    expect(await desk.run(clock)).toMatchObject({ plan_hash: hash, plan_state: 'approved' });
    expect(asked(desk)).toEqual([`${hash} asked`]);
    for (const flags of [stage, { ...execute, SAFE_MODE: true }, { ...execute, DRY_RUN: true }]) {
      await desk.flags(flags);
      expect(await desk.run(clock)).toMatchObject({ plan_hash: hash, plan_state: 'approved' });
      expect(asked(desk)).toEqual([]);
    }
    await desk.flags(execute);
    // A run that cannot judge says nothing of the plan: its versions do.
    const { answer } = desk;
    desk.answer = async () => undefined;
    expect(await desk.run()).toMatchObject({ code: 'STALE_DATA', plan_hash: hash });
    expect(asked(desk)).toEqual([`${hash} asked`]);
    desk.answer = answer;
    desk.passedMs = 0;
    expect(await apply(desk, hash)).toMatchObject({
      answer: { plan_state: 'applied' },
      told: ['plan.applied'],
    });
    expect(await desk.run({ trigger: 'plan', by: 'evenkeel.apply-plan' })).toMatchObject({
      status: 'COMPLETED',
      plan_hash: '',
      lock: { state: 'open' },
    });
    expect(asked(desk)).toEqual([]);
  });

  it('is asked for when its time is over too: apply-plan refuses it and says so, and the next run stages anew', async () => {
    const { desk, hash } = await openDesk();
    desk.world.later(61 * minute);
    await desk.flags(stage);
    expect(await desk.run(clock)).toMatchObject({ plan_hash: hash, plan_state: 'approved' });
    expect(asked(desk)).toEqual([`${hash} asked`]);
    expect(await apply(desk, hash)).toMatchObject({
      answer: { code: 'PLAN_EXPIRED', plan_state: 'refused', done: 0 },
      told: ['plan.refused'],
    });
    const anew = await desk.run({ trigger: 'plan', by: 'evenkeel.apply-plan' });
    expect(anew).toMatchObject({ plan_state: 'staged', lock: { state: 'locked' } });
    expect(anew.plan_hash).not.toBe(hash);
    expect(await desk.plan(hash)).toMatchObject({ state: 'refused', refusedCode: 'PLAN_EXPIRED' });
    expect(asked(desk)).toEqual([]);
  });

  it('gives way to another plan while it has not begun', async () => {
    const { desk, hash } = await openDesk();
    desk.world.open(19);
    const moved = await desk.run(clock);
    expect(moved).toMatchObject({ plan_state: 'staged', actions: 3 });
    expect(await desk.plan(hash)).toMatchObject({ state: 'superseded', replacedBy: moved.plan_hash });
    expect(asked(desk)).toEqual([]);
  });

  it('is never superseded once it has begun: whoever asks, whenever, and whatever the broker says by then', async () => {
    const { desk, hash } = await openDesk('applying');
    for (const passed of [0, 61 * minute, 24 * 60 * minute]) {
      desk.world.later(passed);
      desk.world.rows.openOrders = [];
      for (const trigger of ['schedule', 'start', 'operator', 'plan']) {
        expect(await desk.run({ trigger, by: 'x' })).toMatchObject({
          status: 'POSTPONED',
          code: 'PLAN_APPLYING',
          plan_hash: hash,
          plan_state: 'applying',
          lock: { state: 'locked' },
        });
        expect(asked(desk)).toEqual([`${hash} asked`]);
      }
    }
    expect(desk.commands).toHaveLength(1);
    expect(await apply(desk, hash)).toMatchObject({
      answer: { code: 'PLAN_EXPIRED', plan_state: 'refused' },
    });
    expect(await desk.run({ trigger: 'plan', by: 'evenkeel.apply-plan' })).toMatchObject({
      status: 'COMPLETED',
      plan_hash: '',
    });
  });

  it('that begins while a run judges keeps its place, and the run opens nothing', async () => {
    const { desk, hash } = await openDesk();
    const { answer } = desk;
    // The broker has nothing of it any more: by itself the run would be COMPLETED, and open.
    desk.world.rows.openOrders = [];
    desk.answer = async (command) => {
      await change(desk, hash, { state: 'applying' });
      return answer(command);
    };
    expect(await desk.run(clock)).toMatchObject({
      status: 'COMPLETED',
      plan_hash: hash,
      plan_state: 'applying',
      lock: { state: 'locked' },
    });
    expect(await desk.plan(hash)).toMatchObject({ state: 'applying' });
    expect(asked(desk)).toEqual([`${hash} asked`]);
  });

  it('is gone on with while every session is closed, but not while runs are postponed', async () => {
    const { desk, hash } = await openDesk();
    const body = { conId: 1, tradingHours: '20260105:CLOSED', timeZone: 'America/New_York' };
    const cause = { kind: 'event', id: 'x', name: 'instrument.resolved', reason: '' } as const;
    const writes = [{ ref: { kind: 'instrument', id: '1' } as const, expectedVersion: 0, body }];
    await desk.tables.book.commit({
      account,
      writer: 'reconcile',
      cause,
      atMs: desk.nowMs,
      orderKey: '',
      writes,
    });
    expect(await desk.run(clock)).toMatchObject({ plan_hash: hash, plan_state: 'approved' });
    expect(asked(desk)).toEqual([`${hash} asked`]);
    const always = { name: 'x', timeZone: 'UTC', from: '00:00', to: '00:00' };
    const resetWindows = [{ ...always, days: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] }];
    expect(await desk.run(clock, {}, { resetWindows })).toMatchObject({
      status: 'POSTPONED',
      plan_hash: hash,
    });
    expect(asked(desk)).toEqual([]);
    await change(desk, hash, { state: 'superseded' });
    expect(await desk.run(clock)).toMatchObject({ status: 'SKIPPED', code: 'SESSIONS_CLOSED' });
  });
});
