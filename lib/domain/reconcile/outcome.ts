/**
 * What a run comes to: its status, what becomes of the reconcile lock, and whether its plan may be carried out. One row
 * for each situation; the first that fits decides.
 */
import type { Flags } from '../safety/flags.ts';
import type { RunStatus } from './records.ts';
import { compareSeverity, locksTrading } from './severity.ts';
import type { Discrepancy, ReconcileMode } from './types.ts';

export type OutcomeCode =
  | ''
  | 'STALE_DATA'
  | 'UNJUDGED'
  | 'RESET_WINDOW'
  | 'PAUSED'
  | 'PLAN_APPLYING'
  | 'AMBIGUOUS'
  | 'MASS_CHANGE'
  | 'RUN_FAILED';

export interface Outcome {
  readonly status: RunStatus;
  readonly code: OutcomeCode;
  /** `same`: as it was. `open` holds for the epoch of the snapshot alone. */
  readonly lock: 'locked' | 'open' | 'same';
  /** In words for people; for the lock where that is set. */
  readonly reason: string;
  /** The plan is kept for people to look at. */
  readonly staged: boolean;
  /** It may be carried out once it is approved, and the policy may approve it. */
  readonly mayApply: boolean;
}

type Found = Pick<Discrepancy, 'severity' | 'type' | 'subject'>;

export interface Judged {
  readonly kind: 'judged';
  readonly flags: Pick<Flags, 'DRY_RUN' | 'SAFE_MODE' | 'DRY_RUN_CONFIRM'>;
  readonly mode: ReconcileMode;
  /** Parts of the snapshot that are not `ok`. */
  readonly incomplete: readonly string[];
  /** What could not be judged though its lists are there. */
  readonly unjudged: readonly string[];
  readonly discrepancies: readonly Found[];
  /** Of earlier runs, still open, and this run could not judge them: a contract in motion, a list that failed. */
  readonly kept: readonly Found[];
  readonly ambiguous: number;
  readonly actions: number;
  readonly massChange: { readonly exceeds: boolean; readonly touched: number; readonly live: number };
}

export type Situation =
  | {
      readonly kind: 'postponed';
      readonly code: 'RESET_WINDOW' | 'PAUSED' | 'PLAN_APPLYING';
      readonly why: string;
    }
  | { readonly kind: 'no-snapshot'; readonly mode: ReconcileMode; readonly why: string }
  | Judged
  | { readonly kind: 'failed'; readonly why: string };

export function outcomeOf(situation: Situation): Outcome {
  switch (situation.kind) {
    case 'postponed':
      return { ...nothing, status: 'POSTPONED', code: situation.code, reason: situation.why };
    case 'no-snapshot': {
      const lock = locksTrading('HIGH', situation.mode) ? 'locked' : 'same';
      return {
        ...nothing,
        status: 'REFUSED',
        code: 'STALE_DATA',
        lock,
        reason: `STALE_DATA: ${situation.why}`,
      };
    }
    case 'failed':
      return {
        ...nothing,
        status: 'FAILED',
        code: 'RUN_FAILED',
        lock: 'locked',
        reason: `the reconcile failed: ${situation.why}`,
      };
    case 'judged':
      return judgedOutcome(situation);
  }
}

const nothing = { lock: 'same', staged: false, mayApply: false } as const;

function judgedOutcome(judged: Judged): Outcome {
  const { flags, mode, incomplete, unjudged, ambiguous, actions, massChange } = judged;
  const locking = lockingReason(judged);
  const lockIfLocking = locking === '' ? 'same' : 'locked';
  if (incomplete.length > 0) {
    // A list that did not come to its end is as good as no snapshot.
    const why = `STALE_DATA: ${incomplete.join('; ')}`;
    const lock = locksTrading('HIGH', mode) ? 'locked' : lockIfLocking;
    return { ...nothing, status: 'REFUSED', code: 'STALE_DATA', lock, reason: locking || why };
  }
  const staged = actions > 0 || ambiguous > 0;
  if (flags.DRY_RUN) {
    const reason = locking || 'DRY_RUN is on: nothing changes and no order leaves';
    return { status: 'DRY_RUN', code: '', lock: lockIfLocking, reason, staged, mayApply: false };
  }
  if (unjudged.length > 0) {
    const reason = locking || `not everything could be judged: ${unjudged.join('; ')}`;
    return { ...nothing, status: 'REFUSED', code: 'UNJUDGED', lock: lockIfLocking, reason };
  }
  if (ambiguous > 0) {
    const reason = `${ambiguous} ${ambiguous === 1 ? 'match is' : 'matches are'} ambiguous: compare them in TWS`;
    return { status: 'REFUSED', code: 'AMBIGUOUS', lock: 'locked', reason, staged, mayApply: false };
  }
  if (massChange.exceeds) {
    const reason = `the plan changes ${massChange.touched} of ${massChange.live} live orders, which is more likely a mistake than a cure`;
    return { status: 'REFUSED', code: 'MASS_CHANGE', lock: 'locked', reason, staged, mayApply: false };
  }
  if (actions > 0) {
    const reason = `a plan of ${actions} ${actions === 1 ? 'action' : 'actions'} waits for approval`;
    const mayApply = flags.DRY_RUN_CONFIRM;
    return { status: 'AWAITING_DRY_RUN_CONFIRM', code: '', lock: 'locked', reason, staged, mayApply };
  }
  // To have looked away is no cure.
  const kept = lockingReason({ discrepancies: judged.kept, mode });
  return completed(locking || (kept && `${kept}, found before and not to be judged now`));
}

/** @param locking what locks; `''` for nothing */
function completed(locking: string): Outcome {
  const lock = locking === '' ? 'open' : 'locked';
  return {
    ...nothing,
    status: 'COMPLETED',
    code: '',
    lock,
    reason: locking || 'reconciled: nothing locks trading',
  };
}

/** The worst that locks in this mode; `''` where nothing does. */
function lockingReason({ discrepancies, mode }: Pick<Judged, 'discrepancies' | 'mode'>): string {
  const locking = discrepancies.filter(({ severity }) => locksTrading(severity, mode));
  const [worst] = [...locking].sort((a, b) => compareSeverity(b.severity, a.severity));
  if (worst === undefined) return '';
  const more = locking.length > 1 ? ` and ${locking.length - 1} more` : '';
  return `${worst.severity} ${worst.type} of ${worst.subject}${more}`;
}
