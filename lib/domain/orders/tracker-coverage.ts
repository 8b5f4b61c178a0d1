/**
 * Executions that cannot be had any more. IB lists them since the midnight of the gateway's zone (`ib-facts` 10): if
 * the link or the process was down over such a midnight, those before it may be missing for good. What the orders say
 * that they have filled is the evidence: only where it does not agree with the fills is there a gap to tell of.
 */
import { localDaySpan } from '../market/time-zones.ts';
import { hasAll } from './tracker-rounds.ts';
import { emit, type Round, type TrackedOrder, type TrackerState } from './tracker-state.ts';
import { isLiving, lacksFills } from './tracker-view.ts';

/** Orders named in one alert. */
const NAMED_MAX = 5;

/**
 * Executions may have been missed since they were last accounted for. Not since the link was lost: a half-open link,
 * or one without IB's servers, gave none for some time before that.
 */
export function doubtCoverage(state: TrackerState): void {
  state.doubtMs ??= state.coveredMs ?? 0;
}

/** Judges the doubt at the end of a round, and moves on what is accounted for. */
export function judgeCoverage(state: TrackerState, round: Round): void {
  if (round.outcomes.get('executions') !== 'ok') return;
  const { doubtMs } = state;
  if (doubtMs === undefined) {
    moveOn(state, round);
    return;
  }
  const midnightMs = localDaySpan(round.executionsEndMs, state.timeZone).fromMs;
  if (doubtMs >= midnightMs) {
    moveOn(state, round);
    return;
  }
  // Without the lists of orders nothing disagrees, but nothing agrees either: wait for them, not for ever.
  state.doubtRounds += 1;
  const provable = hasAll(round);
  if (!provable && state.doubtRounds < state.config.unresolvedAfterRounds) return;
  const differing = [...state.orders.values()].filter((order) => differs(order, round, doubtMs));
  if (differing.length > 0 || !provable) tellGap(state, doubtMs, midnightMs, differing, provable);
  moveOn(state, round);
}

function moveOn(state: TrackerState, round: Round): void {
  state.doubtMs = undefined;
  state.doubtRounds = 0;
  state.coveredMs = round.askedMs;
  state.dirty.add('coverage');
}

/** Reported as filled and not booked, or gone from all lists without a word on how much of it was filled. */
function differs(order: TrackedOrder, round: Round, sinceMs: number): boolean {
  if (isLiving(order)) return order.listedRound !== round.id || lacksFills(order);
  // One that had ended before says nothing of this gap.
  return (order.endedAtMs === 0 || order.endedAtMs >= sinceMs) && lacksFills(order);
}

function tellGap(
  state: TrackerState,
  fromMs: number,
  toMs: number,
  orders: readonly TrackedOrder[],
  provable: boolean,
): void {
  const from = fromMs === 0 ? 'the beginning' : iso(fromMs);
  const named = orders.slice(0, NAMED_MAX).map((order) => order.key);
  const more = orders.length > NAMED_MAX ? ` and ${orders.length - NAMED_MAX} more` : '';
  const about = orders.length === 0 ? '' : ` Orders whose fills do not add up: ${named.join(', ')}${more}.`;
  const unproven = provable
    ? ''
    : " IB's lists of orders were not complete, so nothing shows that none is missing.";
  const message =
    `Executions from ${from} to ${iso(toMs)} may be missing: IB lists them only since midnight in ${state.timeZone}.` +
    `${about}${unproven} Compare with IB's statement (Flex) and reconcile.`;
  const alert = {
    alert: 'executions_gap',
    severity: 'HIGH',
    subject: `executions ${from}/${iso(toMs)}`,
    message,
  } as const;
  emit(state, 'alert.raised', alert, state.config.account, state.nowMs);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
