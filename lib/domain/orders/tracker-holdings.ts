/** Positions and cash: an event when IB says another value than the last one told, zeros included. */
import { cashId, cashValue, followsCash } from '../accounts/cash-value.ts';
import {
  closedPosition,
  isFlat,
  positionId,
  positionReport,
  samePosition,
} from '../accounts/position-change.ts';
import type { AccountValueFact, PositionFact } from './broker-facts.ts';
import { emit, type TrackerState } from './tracker-state.ts';

export function takePosition(state: TrackerState, fact: PositionFact): void {
  const report = positionReport(fact);
  const id = positionId(fact.account, report);
  state.positionsListed.add(id);
  state.positionsLacking.delete(id);
  const told = state.positions.get(id);
  if (told !== undefined && samePosition(told.report, report)) return;
  if (state.positionsRenewal === 'nothing-new' && !isFlat(report)) state.positionsRenewal = 'news';
  state.positions.set(id, { account: fact.account, report, toldMs: state.nowMs });
  state.dirty.add(`position:${id}`);
  emit(state, 'position.changed', report, fact.account, state.nowMs);
}

export function beginPositions(state: TrackerState, renews: boolean): void {
  state.positionsListed.clear();
  state.positionsRenewal = renews ? 'nothing-new' : 'none';
}

/**
 * A complete list of positions has no row for one that is gone: the book must hear of it all the same. One list is no
 * verdict (a gateway that does not have the account yet lists nothing as well): the next one must lack it too.
 */
export function closeUnlisted(state: TrackerState): void {
  for (const [id, told] of state.positions) {
    if (state.positionsListed.has(id) || isFlat(told.report)) continue;
    if (!state.positionsLacking.has(id)) {
      state.positionsLacking.add(id);
      continue;
    }
    state.positionsLacking.delete(id);
    const report = closedPosition(told.report);
    state.positions.set(id, { ...told, report, toldMs: state.nowMs });
    state.dirty.add(`position:${id}`);
    emit(state, 'position.changed', report, told.account, state.nowMs);
  }
}

/**
 * Whether another list is needed. A position may have become another between the end of a subscription and its renewal:
 * that is told by the new list alone, where it is whole; and a row that is news may be the last one of the old
 * subscription, while the new list has none because the position closed right behind it.
 */
export function arePositionsInDoubt(state: TrackerState): boolean {
  return state.positionsLacking.size > 0 || state.positionsRenewal === 'news';
}

/** Positions that were closed long ago need not be remembered: told once more, they are a repeat for the book. */
export function forgetFlat(state: TrackerState): void {
  const beforeMs = state.nowMs - state.config.forgetAfterMs;
  for (const [id, told] of state.positions) {
    if (!isFlat(told.report) || told.toldMs > beforeMs || state.positionsListed.has(id)) continue;
    state.positions.delete(id);
    state.dirty.add(`position:${id}`);
  }
}

export function takeAccountValue(state: TrackerState, fact: AccountValueFact): void {
  const value = cashValue(fact);
  if (value === undefined) return;
  const id = cashId(fact.account, value.balance.currency);
  state.cashListed.add(id);
  const told = state.cash.get(id)?.value;
  if (!followsCash(told, value)) return;
  const same = told?.balance.cash === value.balance.cash;
  if (same && told.rank === value.rank) return;
  state.cash.set(id, { account: fact.account, value });
  state.dirty.add(`cash:${id}`);
  if (!same) emit(state, 'balance.changed', value.balance, fact.account, state.nowMs);
}

/**
 * IB has no row for a currency that was changed into another while nobody looked. The list is of one account; one
 * without any cash comes from a gateway that does not have the account yet.
 */
export function closeUnlistedCash(state: TrackerState): void {
  const mine = [...state.cash].filter(([, { account }]) => account === state.config.account);
  if (!mine.some(([id]) => state.cashListed.has(id))) return;
  for (const [id, { account, value }] of mine) {
    if (state.cashListed.has(id) || value.balance.cash === '0') continue;
    const balance = { ...value.balance, cash: '0' };
    state.cash.set(id, { account, value: { ...value, balance } });
    state.dirty.add(`cash:${id}`);
    emit(state, 'balance.changed', balance, account, state.nowMs);
  }
}
