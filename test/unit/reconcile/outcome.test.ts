import { describe, expect, it } from 'vitest';
import { type Judged, outcomeOf } from '../../../lib/domain/reconcile/outcome.ts';
import { reconcileModes } from '../../../lib/domain/reconcile/types.ts';
import { isOpenFor } from '../../../lib/domain/safety/lock.ts';

const base: Judged = {
  kind: 'judged',
  flags: { DRY_RUN: false, SAFE_MODE: false, DRY_RUN_CONFIRM: false },
  mode: 'warn',
  incomplete: [],
  unjudged: [],
  discrepancies: [],
  kept: [],
  ambiguous: 0,
  actions: 0,
  massChange: { exceeds: false, touched: 0, live: 0 },
};
const judged = (changes: Partial<Judged>) => outcomeOf({ ...base, ...changes });
const high = { type: 'UNRESOLVED', severity: 'HIGH', subject: 'order P17' } as const;
const critical = { type: 'POSITION_MISMATCH', severity: 'CRITICAL', subject: 'position 1' } as const;
const medium = { type: 'CASH_MISMATCH', severity: 'MEDIUM', subject: 'cash USD' } as const;
const dryRun = { DRY_RUN: true, SAFE_MODE: true, DRY_RUN_CONFIRM: false };
const confirm = { DRY_RUN: false, SAFE_MODE: false, DRY_RUN_CONFIRM: true };
const mass = { exceeds: true, touched: 12, live: 20 };

describe('what a run comes to, one row for each situation', () => {
  it.each([
    ['warn', 'same'],
    ['auto_sync', 'same'],
    ['strict', 'locked'],
  ] as const)('no snapshot in mode %s: REFUSED, and the lock is %s', (mode, lock) => {
    expect(outcomeOf({ kind: 'no-snapshot', mode, why: 'none came' })).toMatchObject({
      status: 'REFUSED',
      code: 'STALE_DATA',
      lock,
      staged: false,
      mayApply: false,
      reason: 'STALE_DATA: none came',
    });
    const incomplete = judged({ mode, incomplete: ['positions is failed'], actions: 3, flags: confirm });
    expect(incomplete).toMatchObject({
      status: 'REFUSED',
      code: 'STALE_DATA',
      lock,
      staged: false,
      mayApply: false,
    });
  });

  it('a list that failed, and a critical discrepancy in the others: locked in every mode', () => {
    for (const mode of reconcileModes) {
      const outcome = judged({ mode, incomplete: ['executions is partial'], discrepancies: [critical] });
      expect(outcome).toMatchObject({ status: 'REFUSED', code: 'STALE_DATA', lock: 'locked' });
    }
  });

  it.each(['RESET_WINDOW', 'PAUSED', 'PLAN_APPLYING'] as const)(
    '%s: POSTPONED, and the lock stays as it was',
    (code) => {
      expect(outcomeOf({ kind: 'postponed', code, why: 'because' })).toEqual({
        status: 'POSTPONED',
        code,
        lock: 'same',
        staged: false,
        mayApply: false,
        reason: 'because',
      });
    },
  );

  it('DRY_RUN: the plan is staged, and cannot be carried out; the lock stays unless a discrepancy locks', () => {
    const flags = { ...dryRun, DRY_RUN_CONFIRM: true };
    expect(judged({ flags, actions: 2, discrepancies: [high] })).toMatchObject({
      status: 'DRY_RUN',
      code: '',
      lock: 'same',
      staged: true,
      mayApply: false,
    });
    expect(judged({ flags, discrepancies: [medium] })).toMatchObject({
      status: 'DRY_RUN',
      lock: 'same',
      staged: false,
    });
    expect(judged({ flags, actions: 2, discrepancies: [critical] })).toMatchObject({
      status: 'DRY_RUN',
      lock: 'locked',
    });
    expect(judged({ flags, mode: 'strict', discrepancies: [high] })).toMatchObject({
      status: 'DRY_RUN',
      lock: 'locked',
    });
    expect(judged({ flags, ambiguous: 1, massChange: mass })).toMatchObject({
      status: 'DRY_RUN',
      staged: true,
      mayApply: false,
    });
  });

  it('something could not be judged: REFUSED, nothing is staged, and only what locks locks', () => {
    expect(judged({ unjudged: ['positions: boom'], actions: 1, flags: confirm })).toMatchObject({
      status: 'REFUSED',
      code: 'UNJUDGED',
      lock: 'same',
      staged: false,
      mayApply: false,
      reason: 'not everything could be judged: positions: boom',
    });
    expect(judged({ unjudged: ['x'], discrepancies: [critical] })).toMatchObject({
      code: 'UNJUDGED',
      lock: 'locked',
    });
  });

  it('ambiguous: REFUSED, staged for review alone, locked', () => {
    expect(judged({ ambiguous: 1, actions: 2, flags: confirm, massChange: mass })).toMatchObject({
      status: 'REFUSED',
      code: 'AMBIGUOUS',
      lock: 'locked',
      staged: true,
      mayApply: false,
      reason: '1 match is ambiguous: compare them in TWS',
    });
    expect(judged({ ambiguous: 2 })).toMatchObject({ code: 'AMBIGUOUS', staged: true });
  });

  it('a mass change: REFUSED, staged for review alone, locked', () => {
    expect(judged({ actions: 12, flags: confirm, massChange: mass })).toMatchObject({
      status: 'REFUSED',
      code: 'MASS_CHANGE',
      lock: 'locked',
      staged: true,
      mayApply: false,
      reason: 'the plan changes 12 of 20 live orders, which is more likely a mistake than a cure',
    });
  });

  it('a plan, CONFIRM false: AWAITING_DRY_RUN_CONFIRM, locked, and it cannot be carried out', () => {
    expect(judged({ actions: 1, discrepancies: [high] })).toMatchObject({
      status: 'AWAITING_DRY_RUN_CONFIRM',
      code: '',
      lock: 'locked',
      staged: true,
      mayApply: false,
      reason: 'a plan of 1 action waits for approval',
    });
  });

  it('a plan, CONFIRM true: AWAITING_DRY_RUN_CONFIRM, locked, and it may be carried out', () => {
    expect(judged({ actions: 2, flags: confirm })).toMatchObject({
      status: 'AWAITING_DRY_RUN_CONFIRM',
      lock: 'locked',
      staged: true,
      mayApply: true,
      reason: 'a plan of 2 actions waits for approval',
    });
  });

  it.each([
    ['strict', [high], 'locked'],
    ['strict', [critical], 'locked'],
    ['strict', [medium], 'open'],
    ['warn', [high], 'open'],
    ['warn', [medium, critical, high], 'locked'],
    ['auto_sync', [high], 'open'],
    ['auto_sync', [critical], 'locked'],
    ['strict', [], 'open'],
    ['warn', [], 'open'],
  ] as const)('no plan, mode %s, %j: COMPLETED and %s', (mode, discrepancies, lock) => {
    const outcome = judged({ mode, discrepancies });
    expect(outcome).toMatchObject({ status: 'COMPLETED', code: '', lock, staged: false, mayApply: false });
    if (lock === 'locked')
      expect(outcome.reason).toMatch(
        /^(HIGH UNRESOLVED of order P17|CRITICAL POSITION_MISMATCH of position 1)/,
      );
    else expect(outcome.reason).toBe('reconciled: nothing locks trading');
  });

  it('nor does one open that an earlier run found, and that could not be judged now', () => {
    const { lock, status, reason } = judged({ kept: [medium, critical] });
    expect([lock, status]).toEqual(['locked', 'COMPLETED']);
    expect(reason).toBe('CRITICAL POSITION_MISMATCH of position 1, found before and not to be judged now');
    expect(judged({ kept: [high] }).lock).toBe('open');
    expect(judged({ kept: [high], mode: 'strict' }).lock).toBe('locked');
  });

  it('the worst of several stands in the reason', () => {
    const { reason } = judged({ mode: 'strict', discrepancies: [high, medium, critical] });
    expect(reason).toBe('CRITICAL POSITION_MISMATCH of position 1 and 1 more');
  });

  it('an error anywhere: FAILED and locked', () => {
    expect(outcomeOf({ kind: 'failed', why: 'no bucket' })).toEqual({
      status: 'FAILED',
      code: 'RUN_FAILED',
      lock: 'locked',
      staged: false,
      mayApply: false,
      reason: 'the reconcile failed: no bucket',
    });
  });
});

describe('the lock and the lease', () => {
  it('is open only for the term of the lease that it was opened for', () => {
    expect(isOpenFor({ state: 'open', token: 4 }, 4)).toBe(true);
    expect(isOpenFor({ state: 'open', token: 4 }, 5)).toBe(false);
    expect(isOpenFor({ state: 'open', token: 4 }, 3)).toBe(false);
    expect(isOpenFor({ state: 'locked', token: 4 }, 4)).toBe(false);
    // Nobody holds the lease.
    expect(isOpenFor({ state: 'open', token: 0 }, 0)).toBe(false);
  });
});

describe('the reason of an outcome', () => {
  it('is what locks, before what only delays', () => {
    const partial = { incomplete: ['executions is partial'] };
    expect(judged(partial).reason).toBe('STALE_DATA: executions is partial');
    expect(judged({ ...partial, discrepancies: [critical] }).reason).toBe(
      'CRITICAL POSITION_MISMATCH of position 1',
    );
    expect(judged({ flags: dryRun }).reason).toBe('DRY_RUN is on: nothing changes and no order leaves');
    expect(judged({ flags: dryRun, discrepancies: [critical] }).reason).toBe(
      'CRITICAL POSITION_MISMATCH of position 1',
    );
  });

  it('counts what it does not name', () => {
    const strict = (...discrepancies: Judged['discrepancies']) =>
      judged({ mode: 'strict', discrepancies }).reason;
    expect(strict(high)).toBe('HIGH UNRESOLVED of order P17');
    expect(strict(high, critical)).toBe('CRITICAL POSITION_MISMATCH of position 1 and 1 more');
    expect(judged({ ambiguous: 1 }).reason).toBe('1 match is ambiguous: compare them in TWS');
    expect(judged({ ambiguous: 2 }).reason).toBe('2 matches are ambiguous: compare them in TWS');
  });
});
