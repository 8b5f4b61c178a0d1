/** Why a run does not take place now: a person has paused them, the broker is resetting, a plan is being carried out. */
import type { Instrument } from '../domain/market/instrument.ts';
import { createCalendar } from '../domain/market/sessions.ts';
import { progress } from '../domain/reconcile/plan-state.ts';
import type { RunTrigger } from '../domain/reconcile/records.ts';
import { activeResetWindow } from '../domain/safety/reset-windows.ts';
import type { ReconcileSettings } from './rules.ts';
import type { Standing } from './state.ts';

export interface Postponement {
  readonly code: 'PAUSED' | 'RESET_WINDOW' | 'PLAN_APPLYING';
  readonly why: string;
}

/**
 * A person's run takes place in any case, but for a plan that is half carried out: only apply-plan ends that, by the
 * last of its actions or, once its time is over, by refusing it.
 */
export function postponement(
  trigger: RunTrigger,
  { state, plan }: Pick<Standing, 'state' | 'plan'>,
  { resetWindows }: Pick<ReconcileSettings, 'resetWindows'>,
  nowMs: number,
): Postponement | undefined {
  if (plan?.state === 'applying') {
    const why = `the plan ${plan.hash} is being carried out: ${progress(plan)}`;
    return { code: 'PLAN_APPLYING', why };
  }
  if (trigger === 'operator') return undefined;
  const paused = state?.paused;
  if (paused && nowMs < paused.untilMs && trigger !== 'plan') {
    return { code: 'PAUSED', why: `paused by ${paused.by} until ${iso(paused.untilMs)}: ${paused.reason}` };
  }
  const reset = activeResetWindow(resetWindows, nowMs);
  if (reset === undefined) return undefined;
  return { code: 'RESET_WINDOW', why: `IB resets until ${iso(reset.endMs)} (${reset.window.name})` };
}

/** Every instrument's hours are known, and every session is closed. What is not known counts as open. */
export function allSessionsClosed(instruments: readonly Instrument[], nowMs: number): boolean {
  return (
    instruments.length > 0 &&
    instruments.every(
      ({ tradingHours, timeZone }) => createCalendar(tradingHours, timeZone).stateAt(nowMs) === 'closed',
    )
  );
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
