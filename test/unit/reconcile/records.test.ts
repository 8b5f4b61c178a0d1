/** What the book keeps of runs and plans. */
import { describe, expect, it } from 'vitest';
import {
  countSeverities,
  countTypes,
  isOver,
  planRecord,
  planRef,
  planStates,
  type RunRecord,
  runIdPattern,
  summaryOf,
} from '../../../lib/domain/reconcile/records.ts';
import type { Discrepancy, Plan, PlanAction } from '../../../lib/domain/reconcile/types.ts';

const action = (kind: PlanAction['kind']) => ({ kind }) as PlanAction;
const plan = {
  hash: 'h',
  runId: 'run_20260105_143000_0a1b2c',
  createdAtMs: 1,
  expiresAtMs: 2,
  ruleVersion: 3,
  snapshotSha256: 's',
  actions: [
    ...['to_insert', 'to_insert', 'to_insert', 'to_update', 'to_update', 'to_delete'].map((kind) =>
      action(kind as PlanAction['kind']),
    ),
    ...Array.from({ length: 4 }, () => action('cancel')),
  ],
  ambiguous: [{}, {}],
} as unknown as Plan;

describe('the record of a plan', () => {
  it('counts its actions by kind, and nothing is done of it yet', () => {
    expect(planRecord(plan, { key: 'k', content: 'c' })).toEqual({
      hash: 'h',
      runId: plan.runId,
      state: 'staged',
      key: 'k',
      content: 'c',
      createdAtMs: 1,
      expiresAtMs: 2,
      ruleVersion: 3,
      snapshotSha256: 's',
      actions: 10,
      inserts: 3,
      updates: 2,
      deletes: 1,
      cancels: 4,
      ambiguous: 2,
      approval: null,
      done: 0,
      cancelUntilMs: 0,
      backupId: '',
      refusedCode: '',
      refusedReason: '',
      madeFrom: '',
      replacedBy: '',
    });
  });

  it('is refused from the beginning where there is a reason', () => {
    const record = planRecord(plan, {
      key: 'k',
      content: 'c',
      refusedCode: 'PLAN_MASS_CHANGE',
      refusedReason: 'r',
    });
    expect(record).toMatchObject({ state: 'refused', refusedCode: 'PLAN_MASS_CHANGE', refusedReason: 'r' });
  });

  it('is over when nobody carries it out any more', () => {
    const open = planStates.filter((state) => !isOver({ state }));
    expect(open).toEqual(['staged', 'approved', 'applying']);
    expect(planRef('h')).toEqual({ kind: 'plan', id: 'h' });
  });
});

describe('the record of a run', () => {
  it('has the line of the seeds', () => {
    const record = {
      counts: { broker: 4, book: 3 },
      discrepancies: 2,
      severities: { CRITICAL: 1 },
    } as RunRecord;
    expect(summaryOf(record)).toBe('IB: 4, Book: 3, Discrepancies: 2 (1 critical)');
    expect(summaryOf({ ...record, severities: {} })).toBe('IB: 4, Book: 3, Discrepancies: 2 (0 critical)');
  });

  it('counts what there is', () => {
    const found = [
      { type: 'CASH_MISMATCH', severity: 'MEDIUM' },
      { type: 'NAKED_POSITION', severity: 'CRITICAL' },
      { type: 'CASH_MISMATCH', severity: 'MEDIUM' },
    ] as Discrepancy[];
    expect(countTypes(found)).toEqual({ NAKED_POSITION: 1, CASH_MISMATCH: 2 });
    expect(countSeverities(found)).toEqual({ CRITICAL: 1, MEDIUM: 2 });
  });

  it('has an id that says when', () => {
    expect(runIdPattern.test(plan.runId)).toBe(true);
    expect(runIdPattern.test('run_20260105_143000_0A1B2C')).toBe(false);
  });
});
