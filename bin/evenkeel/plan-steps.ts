/** What a person does with a plan, as commands that the stage would take at this moment. */
import { judgeFlags } from '../../lib/domain/reconcile/plan-state.ts';
import { isOver, type PlanRecord } from '../../lib/domain/reconcile/records.ts';
import type { FlagsReading } from '../../lib/domain/safety/flags.ts';

const anew = 'reconcile: stages what it finds now';

export function planSteps(record: PlanRecord, flags: FlagsReading, nowMs: number): string[] {
  const hash = record.hash.slice(0, 12);
  if (record.replacedBy !== '')
    return [`plan show ${record.replacedBy.slice(0, 12)}: what stands in its place`];
  if (record.refusedCode === 'PLAN_AMBIGUOUS' && record.actions > 0) {
    return [`plan approve ${hash} --except-ambiguous --reason "...": stages the rest as a plan of its own`];
  }
  if (isOver(record)) return record.state === 'applied' ? [] : [anew];
  if (nowMs >= record.expiresAtMs) return [anew];
  if (record.state === 'staged')
    return (
      notApproved(flags) ?? [`plan approve ${hash} --reason "..."`, `plan reject ${hash} --reason "..."`]
    );
  if (record.state !== 'approved') return [];
  return [...notApplied(flags), `plan approve ${hash} --reason "...": goes on with applying it`];
}

/** Where the function would refuse an approval; without DRY_RUN_CONFIRM it takes it, and the plan waits. */
export function notApproved(flags: FlagsReading): string[] | undefined {
  switch (judgeFlags(flags)?.code) {
    case 'DRY_RUN_ON':
      return [
        'no plan can be approved while DRY_RUN is on',
        'flags preset stage --reason "...", then reconcile: stages what it finds then, to be approved',
      ];
    case 'SAFE_MODE':
      return [
        'no plan can be approved while SAFE_MODE is on: find out why it is',
        'flags set SAFE_MODE false --reason "...", then reconcile',
      ];
    default:
      return undefined;
  }
}

/** What an approved plan waits for. */
function notApplied(flags: FlagsReading): string[] {
  switch (judgeFlags(flags)?.code) {
    case 'DRY_RUN_ON':
      return ['flags set DRY_RUN false --reason "...": nothing is applied before'];
    case 'SAFE_MODE':
      return [
        'flags set SAFE_MODE false --reason "...", once you know why it is on: nothing is applied before',
      ];
    case 'CONFIRM_OFF':
      return ['flags set DRY_RUN_CONFIRM true --reason "...": nothing is applied before'];
    default:
      return [];
  }
}
