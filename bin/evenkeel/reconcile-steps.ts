import { isOver, type PlanRecord } from '../../lib/domain/reconcile/records.ts';
import type { Discrepancy } from '../../lib/domain/reconcile/types.ts';
import type { FlagsReading } from '../../lib/domain/safety/flags.ts';
import { isOpenFor } from '../../lib/domain/safety/lock.ts';
import { shortHash } from './plan-read.ts';
import { notApproved, planSteps } from './plan-steps.ts';
import type { RunShown } from './reconcile-show.ts';

/** What a person does after a run, as commands. */
export function nextSteps(
  { run, plan, flags, lock, leaseToken = 0, verdict, lost }: RunShown,
  nowMs: number,
): string[] {
  const hash = plan?.hash.slice(0, 12) ?? '';
  switch (run.status) {
    case 'COMPLETED':
      if (lock === undefined || isOpenFor(lock, leaseToken)) return [];
      return lock.state === 'locked'
        ? settle(verdict)
        : ['reconcile: the streamer has begun anew since the snapshot of this run'];
    case 'AWAITING_DRY_RUN_CONFIRM':
      return [...waiting(plan, flags, nowMs), ...uncured(verdict)];
    case 'DRY_RUN':
      return [
        ...(plan === null || isOver(plan) ? [] : [`plan show ${hash}: what it would change`]),
        'flags preset stage --reason "...", then reconcile: ends the dry run, and still changes nothing',
      ];
    case 'REFUSED':
      return refused(run.code, plan);
    case 'FAILED':
      return [
        'logs reconcile: what happened; mend it',
        'flags set SAFE_MODE false --reason "...", then reconcile: a run that completes opens the lock',
      ];
    case 'POSTPONED':
      return postponed(run.code);
    case 'SKIPPED':
      return run.code === 'BUSY' || run.code === 'FENCED' ? ['reconcile runs: how the other run goes'] : [];
    case 'RUNNING':
      return lost
        ? [
            'it was cut off, and changed nothing but its record: the next run goes on in its place',
            'reconcile: makes one now; logs reconcile says why, where it comes again',
          ]
        : ['it has not ended: reconcile runs shows whether another has gone on in its place'];
  }
}

function settle(verdict: RunShown['verdict']): string[] {
  const [first] = verdict?.discrepancies ?? [];
  return [
    'settle what locks, in TWS or in the book, then reconcile: the lock opens by itself',
    ...(first === undefined
      ? []
      : [`reconcile ack "${first.id}" --reason "...": you know of it; CRITICAL locks all the same`]),
  ];
}

/** What locks whatever becomes of the plan. */
function uncured(verdict: RunShown['verdict']): string[] {
  const { discrepancies = [], plan } = verdict ?? {};
  const isCured = ({ subject, type }: Discrepancy) =>
    plan?.actions.some((action) => action.subject === subject && action.cures.includes(type)) ?? false;
  const [first, ...more] = discrepancies.filter((one) => one.severity === 'CRITICAL' && !isCured(one));
  if (first === undefined) return [];
  const rest = more.length === 0 ? '' : ` and ${more.length} more`;
  return [
    `the plan does not settle CRITICAL ${first.id}${rest}: settle it in TWS or in the book, it locks too`,
  ];
}

function waiting(plan: PlanRecord | null, flags: FlagsReading, nowMs: number): string[] {
  if (plan === null) return ['plan show: the plan that stands'];
  const hash = plan.hash.slice(0, shortHash + 4);
  if (plan.state === 'approved' || plan.state === 'applying')
    return [`plan show ${hash}: it is approved; how far it is`];
  if (isOver(plan) || nowMs >= plan.expiresAtMs) return planSteps(plan, flags, nowMs);
  return [
    `plan show ${hash}: review it`,
    ...(notApproved(flags) ?? [`plan approve ${hash} --reason "...": apply exactly that`]),
  ];
}

function refused(code: string, plan: PlanRecord | null): string[] {
  const hash = plan?.hash.slice(0, 12) ?? '';
  switch (code) {
    case 'STALE_DATA':
      return ['doctor and logs streamer: why the broker did not answer to the end; then reconcile'];
    case 'UNJUDGED':
      return ['reconcile again: what could not be judged is often there a little later'];
    case 'AMBIGUOUS':
      return [
        'compare the orders in TWS; nobody can tell them apart from here',
        ...(plan === null || plan.actions === 0
          ? []
          : [`plan approve ${hash} --except-ambiguous --reason "...": stages the rest as a plan of its own`]),
      ];
    case 'MASS_CHANGE':
      return [
        `plan show ${hash}: compare it with TWS before anything else; docs/reconcile.md says when to raise the limit`,
      ];
    default:
      return [];
  }
}

function postponed(code: string): string[] {
  switch (code) {
    case 'PAUSED':
      return ['reconcile resume --reason "...": ends the pause'];
    case 'PLAN_APPLYING':
      return ['plan show: how far the plan is; a run follows by itself'];
    case 'BOOK_RESTORING':
      return ['status: how the restore stands'];
    default:
      return ['nothing to do: the next run by the clock comes after it'];
  }
}
