/**
 * What somebody else than the streamer has found out of an order, put under the stamps that the streamer gave: its next
 * word still wins, and what it said earlier and comes late is still ignored.
 */
import type { LedgerCommission } from './commission-ledger.ts';
import { sameContent } from './content.ts';
import { joinIdentity } from './order-identity.ts';
import { joinReport, type Registers } from './order-registers.ts';
import type { OrderReport } from './order-report.ts';
import { foldReport, type OrderState } from './order-state.ts';
import type { Stamp } from './stamp.ts';

/**
 * The state in which the report is true, as far as the rules of the registers let it: an end stays an end, terms that were
 * told with it stay, and the reported fill does not shrink.
 *
 * @param at stamp of what the state did not say at all
 */
export function restateReport(state: OrderState | undefined, report: OrderReport, at: Stamp): OrderState {
  if (state === undefined) return foldReport(undefined, report, at).state;
  const told = joinReport(nothing, report, at);
  const { asked, quantity, live, ended, reported } = state;
  // A register that compares contents before stamps takes the better one by itself.
  const by = (known: { readonly at: Stamp } | null): Registers => joinReport(state, report, known?.at ?? at);
  return {
    ...state,
    identity: joinIdentity(state.identity, report),
    asked: restated(asked, told.asked),
    quantity: restated(quantity, told.quantity),
    live: under(live, told.live),
    ended: by(ended).ended,
    reported: by(reported).reported,
  };
}

/** The state in which an execution cost this; the stamp of an earlier statement is kept. */
export function restateCommission(
  state: OrderState,
  key: string,
  { commission, currency, realizedPnl }: Omit<LedgerCommission, 'at'>,
  at: Stamp,
): OrderState {
  const known = state.commissions[key];
  const told = { at: known?.at ?? at, commission, currency, realizedPnl };
  return { ...state, commissions: { ...state.commissions, [key]: told } };
}

const nothing: Registers = { asked: null, quantity: null, live: null, ended: null, reported: null };

/** Of two that are final or not, the final one; else the told content at the known stamp. */
function restated<T extends { readonly at: Stamp; readonly final: boolean }>(
  known: T | null,
  told: T | null,
): T | null {
  if (known !== null && told !== null && known.final && !told.final) return known;
  return under(known, told);
}

function under<T extends { readonly at: Stamp }>(known: T | null, told: T | null): T | null {
  if (known === null || told === null) return told ?? known;
  return sameContent(told, known) ? known : { ...told, at: known.at };
}
