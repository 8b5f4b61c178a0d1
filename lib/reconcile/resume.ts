import { judgeFlags } from '../domain/reconcile/plan-state.ts';
import type { PlanRecord } from '../domain/reconcile/records.ts';
import type { FlagsReading } from '../domain/safety/flags.ts';

/**
 * Whether apply-plan is to be asked again for a plan that somebody approved. Whoever was carrying it out may have been
 * stopped: it goes on behind the last action that is counted, and nothing is done twice. One whose time is over is asked
 * for as well, because apply-plan refuses it and says so; one that the flags do not allow is asked for once they do.
 */
export function isToBeResumed(plan: PlanRecord, flags: FlagsReading, nowMs: number): boolean {
  if (plan.state === 'applying') return true;
  if (plan.state !== 'approved') return false;
  return nowMs >= plan.expiresAtMs || judgeFlags(flags) === undefined;
}
