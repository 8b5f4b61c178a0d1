import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BookRef } from '../../../lib/domain/book/item.ts';
import {
  type PlanRecord,
  planBody,
  planRef,
  type RunRecord,
  type RunState,
  runStateBody,
  runStateRef,
} from '../../../lib/domain/reconcile/records.ts';
import { lockBody } from '../../../lib/domain/safety/lock.ts';
import {
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../../helpers/dynamo-engine.ts';
import { account, createDesk, nowMs, type TestDesk } from './desk.ts';

const minute = 60_000;
const runId = 'run_20260105_145700_a1b2c3';
const hash = '4be1c2d0'.repeat(8);

const last: RunRecord = {
  runId,
  status: 'COMPLETED',
  code: '',
  reason: 'reconciled: nothing locks trading',
  trigger: 'schedule',
  by: 'evenkeel-sandbox-reconcile',
  why: '',
  mode: 'warn',
  token: 3,
  startedAtMs: nowMs - 3 * minute,
  endedAtMs: nowMs - 3 * minute + 900,
  epoch: 7,
  ruleVersion: 1,
  types: {},
  severities: {},
  discrepancies: 0,
  pending: 0,
  ambiguous: 0,
  actions: 0,
  counts: { broker: 3, book: 3 },
  evidence: null,
  verdict: { key: 'runs/x/verdict.json', sha256: 'a'.repeat(64) },
};
const state: RunState = {
  last,
  memory: null,
  lastCompletedMs: last.endedAtMs,
  lastJudgedMs: last.endedAtMs,
  planHash: '',
  paused: null,
  acknowledged: {},
};
const plan: PlanRecord = {
  hash,
  runId,
  state: 'staged',
  key: 'runs/x/plan.json',
  content: 'b'.repeat(64),
  createdAtMs: nowMs - 3 * minute,
  expiresAtMs: nowMs + 57 * minute,
  ruleVersion: 1,
  snapshotSha256: 'c'.repeat(64),
  actions: 3,
  inserts: 2,
  updates: 1,
  deletes: 0,
  cancels: 0,
  ambiguous: 0,
  approval: null,
  done: 0,
  cancelUntilMs: 0,
  backupId: '',
  refusedCode: '',
  refusedReason: '',
  madeFrom: '',
  replacedBy: '',
};

describe.skipIf(!engineIsHere)(
  `status and doctor of reconcile${engineIsHere ? '' : ` (skipped: ${whenNoEngine})`}`,
  () => {
    let engine: DynamoEngine;
    let desk: TestDesk;

    beforeAll(async () => {
      engine = await startDynamoEngine();
    });
    beforeEach(async () => {
      desk = await createDesk(engine);
      return () => desk.stop();
    });
    afterAll(() => engine.stop());

    const put = async (ref: BookRef, body: object) => {
      const cause = { kind: 'reconcile', id: runId, name: 'reconcile', reason: '' } as const;
      const writes = [{ ref, expectedVersion: 0, body: body as never }];
      const change = { account, writer: 'reconcile', cause, atMs: nowMs, orderKey: '', writes };
      expect(await desk.book.commit(change)).toBe('committed');
    };
    const putRun = (changes: Partial<RunRecord> = {}, more: Partial<RunState> = {}) =>
      put(runStateRef, runStateBody({ ...state, ...more, last: { ...last, ...changes } }));
    const putLock = (token: number, locked = '') =>
      put(
        { kind: 'lock', id: '' },
        lockBody(
          { state: locked === '' ? 'open' : 'locked', reason: locked || 'reconciled', runId, token },
          runId,
          new Date(nowMs).toISOString(),
        ),
      );
    const status = async () => (await desk.run('status')).out;
    const findings = async () => {
      const { out } = await desk.run('doctor', '--seconds', '1', '--json');
      const all: { check: string; state: string; message: string }[] = JSON.parse(out).findings;
      const of = (name: string) => all.find(({ check }) => check === name);
      return { reconcile: of('reconcile'), lock: of('trading lock') };
    };

    describe('status', () => {
      it.each([
        [0, '0 discrepancies (0 critical)'],
        [1, '1 discrepancy (0 critical)'],
        [2, '2 discrepancies (0 critical)'],
      ])('counts %i', async (discrepancies, words) => {
        const verdict = { key: 'runs/x/verdict.json', sha256: 'd'.repeat(64) };
        await putRun({ discrepancies, verdict, severities: {} });
        expect(await status()).toContain(`, ${words}\n`);
      });

      it('before the first run', async () => {
        const out = await status();
        expect(out).toMatch(/^lock +locked: no reconcile has been completed yet$/m);
        expect(out).toMatch(/^reconcile +not yet$/m);
        expect(out).not.toMatch(/^plan/m);
      });

      it('last run, and a lock that is open for this epoch', async () => {
        await putRun();
        await putLock(7);
        const out = await status();
        expect(out).toMatch(/^lock +open for epoch 7$/m);
        expect(out).toMatch(/^reconcile +COMPLETED 3 min ago, 0 discrepancies \(0 critical\)$/m);
      });

      it('a run that never ended is lost once its lock is over, and runs until then', async () => {
        await putRun({ status: 'RUNNING', verdict: null, startedAtMs: nowMs - 179_000, endedAtMs: 0 });
        expect(await status()).toMatch(/^reconcile +RUNNING \d+ \w+ ago$/m);
        desk = await createDesk(engine);
        await putRun({ status: 'RUNNING', verdict: null, startedAtMs: nowMs - 180_000, endedAtMs: 0 });
        expect(await status()).toMatch(
          /^reconcile +LOST 3 min ago, it never ended \(reconcile makes another\)$/m,
        );
        expect(JSON.parse((await desk.run('status', '--json')).out).reconcile.lost).toBe(true);
      });

      it('a lock of an earlier epoch is none that is open', async () => {
        await putLock(6);
        expect(await status()).toMatch(
          /^lock +locked: it was opened for epoch 6, and no reconcile has completed in epoch 7$/m,
        );
      });

      it('the plan that waits, and a pause', async () => {
        const paused = { untilMs: nowMs + 20 * minute, by: 'anna', reason: 'roll day' };
        await putRun({ status: 'AWAITING_DRY_RUN_CONFIRM' }, { planHash: hash, paused });
        await put(planRef(hash), planBody(plan));
        const out = await status();
        expect(out).toMatch(
          /^plan +4be1c2d04be1 staged, 3 actions: 2 inserts, 1 update, until 2026-01-05 16:57:00, 57 min left$/m,
        );
        expect(out).toMatch(/^paused +until 2026-01-05 16:20:00 by anna: roll day$/m);
        expect(JSON.parse((await desk.run('status', '--json')).out).reconcile).toMatchObject({
          plan: { hash },
          state: { last: { runId } },
        });
      });
    });

    describe('doctor', () => {
      it('is content with a young run and an open lock', async () => {
        await putRun();
        await putLock(7);
        expect(await findings()).toMatchObject({
          reconcile: { state: 'ok', message: 'completed 3 min ago, 0 discrepancies' },
          lock: { state: 'ok', message: 'open for epoch 7' },
        });
      });

      it.each<[string, Partial<RunRecord>, Partial<RunState>, string, string]>([
        [
          'a run that failed',
          { status: 'FAILED', code: 'RUN_FAILED', reason: 'the bucket is gone' },
          {},
          'problem',
          'the bucket is gone',
        ],
        [
          'runs that do not come',
          { startedAtMs: nowMs - 16 * minute },
          { lastCompletedMs: nowMs - 16 * minute },
          'problem',
          'none was completed for 16 min',
        ],
        [
          'runs that come and are refused',
          { status: 'REFUSED', code: 'STALE_DATA', reason: 'no snapshot came within 60 s' },
          { lastCompletedMs: nowMs - 16 * minute },
          'problem',
          'REFUSED STALE_DATA, none was completed for 16 min: no snapshot came within 60 s',
        ],
        [
          'a run that was lost, though one before it completed',
          { status: 'RUNNING', startedAtMs: nowMs - 4 * minute, endedAtMs: 0, verdict: null },
          { lastCompletedMs: nowMs - 9 * minute },
          'warning',
          'the last run 4 min ago was LOST: it began and never ended',
        ],
        [
          'a run that was lost, and none before it',
          { status: 'RUNNING', startedAtMs: nowMs - 4 * minute, endedAtMs: 0, verdict: null },
          { lastCompletedMs: null },
          'problem',
          'LOST: it began and never ended',
        ],
        [
          'a run that is under way',
          { status: 'RUNNING', startedAtMs: nowMs - 2 * minute, endedAtMs: 0, verdict: null },
          { lastCompletedMs: nowMs - 9 * minute },
          'ok',
          'completed 9 min ago',
        ],
        [
          'something critical',
          { severities: { CRITICAL: 2 }, reason: 'CRITICAL NAKED_POSITION of position 1' },
          {},
          'problem',
          'with 2 critical',
        ],
        ['a dry run', { status: 'DRY_RUN' }, { lastCompletedMs: null }, 'warning', 'none was ever completed'],
        [
          'a plan that waits',
          { status: 'AWAITING_DRY_RUN_CONFIRM' },
          { lastCompletedMs: nowMs - 60 * minute },
          'warning',
          'none was completed for 60 min',
        ],
        [
          'a pause',
          {},
          {
            lastCompletedMs: nowMs - 60 * minute,
            paused: { untilMs: nowMs + minute, by: 'anna', reason: 'roll' },
          },
          'warning',
          'by anna: roll',
        ],
      ])('%s', async (_, record, more, expected, words) => {
        await putRun(record, more);
        const { reconcile } = await findings();
        expect(reconcile).toMatchObject({ state: expected, message: expect.stringContaining(words) });
      });

      it('gives a closed market its slower cadence', async () => {
        await putRun({ startedAtMs: nowMs - 150 * minute }, { lastCompletedMs: nowMs - 150 * minute });
        await put(
          { kind: 'instrument', id: '1' },
          { tradingHours: '20260105:CLOSED;20260106:0930-20260106:1600', timeZone: 'America/New_York' },
        );
        expect((await findings()).reconcile).toMatchObject({ state: 'ok' });
      });

      it('nothing reconciled yet, and why trading is locked', async () => {
        await putLock(7, 'CRITICAL NAKED_POSITION of position 1');
        expect(await findings()).toMatchObject({
          reconcile: { state: 'warning', message: 'nothing was reconciled yet' },
          lock: { state: 'warning', message: 'locked: CRITICAL NAKED_POSITION of position 1' },
        });
      });

      it('a lock of an earlier epoch', async () => {
        await putLock(6);
        expect((await findings()).lock).toMatchObject({
          state: 'warning',
          message: 'locked: it was opened for epoch 6, and no reconcile has completed in epoch 7',
        });
      });
    });
  },
);
