/**
 * One order as the fold of everything that was told of it, in the streamer and in the book alike. The state is a join
 * of registers, each with a rule that does not ask what arrived first, so that stamped events in any order and any
 * number give the same state (`docs/orders.md`). It is JSON and nothing else; quantities and prices are decimal text.
 * What readers want to know (status, filled, average price, quarantine) is derived from it by `viewOf`.
 */
import { type CommissionLedger, joinCommission } from './commission-ledger.ts';
import { sameContent } from './content.ts';
import type { TradedContract } from './contract.ts';
import { fillAlerts, quarantineAlerts } from './fill-alerts.ts';
import { joinFill, type Ledger } from './fill-ledger.ts';
import type { CommissionReport, FillReport } from './fill-report.ts';
import type { OrderAlert } from './order-alert.ts';
import { identityOf, joinIdentity, sameIdentity } from './order-identity.ts';
import { copyContract, joinReport, type Registers, sayTheSame } from './order-registers.ts';
import type { OrderIdentity, OrderReport } from './order-report.ts';
import { compareStamps, type Stamp } from './stamp.ts';

export type { OrderAlert } from './order-alert.ts';
export { type OrderView, viewOf } from './order-view.ts';

export interface OrderState extends Registers {
  readonly identity: OrderIdentity;
  /** Contracts of its executions by conId, as the first report of each had them. */
  readonly traded: { readonly [conId: string]: Traded };
  readonly fills: Ledger;
  readonly commissions: CommissionLedger;
}

export interface Traded {
  readonly at: Stamp;
  readonly contract: TradedContract;
}

export interface Folded {
  readonly state: OrderState;
  /** The state differs from the one before, be it in a stamp: it must be stored. */
  readonly changed: boolean;
  /**
   * It differs in more than stamps: something was said that was not known. A teller that drops what is no news, stamp
   * and state alike, ends with the same state as one that folds it.
   */
  readonly news: boolean;
  /** For a person, once; only the streamer tells them. */
  readonly alerts: readonly OrderAlert[];
}

/** Folds what was said of the order as a whole. */
export function foldReport(state: OrderState | undefined, report: OrderReport, at: Stamp): Folded {
  const before = state ?? emptyState(report);
  const identity = joinIdentity(before.identity, report);
  const registers = joinReport(before, report, at);
  const after = { ...before, ...registers, identity };
  const named = !sameIdentity(identity, before.identity);
  const moved = (Object.keys(registers) as (keyof Registers)[]).some(
    (name) => registers[name] !== before[name],
  );
  if (state !== undefined && !named && !moved) return unchanged(state);
  const news = state === undefined || named || !sayTheSame(before, registers);
  return { state: after, changed: true, news, alerts: news ? quarantineAlerts(before, after) : [] };
}

/** Folds an execution or the correction of one. */
export function foldFill(state: OrderState | undefined, fill: FillReport, at: Stamp): Folded {
  const before = state ?? emptyState(fill);
  const identity = joinIdentity(before.identity, fill);
  const joined = joinFill(before.fills, fill, at);
  const traded = joinTraded(before.traded, fill.contract, at);
  const after = { ...before, identity, traded, fills: joined.fills };
  const named = !sameIdentity(identity, before.identity);
  if (state !== undefined && !named && !joined.changed && traded === before.traded) return unchanged(state);
  const news = state === undefined || named || joined.news || !sameTraded(traded, before.traded, fill);
  const alerts = joined.news ? [...fillAlerts(before, after, fill), ...quarantineAlerts(before, after)] : [];
  return { state: after, changed: true, news, alerts };
}

/** Folds what an execution cost; the execution may be known, come later or never. */
export function foldCommission(
  state: OrderState | undefined,
  commission: CommissionReport,
  at: Stamp,
): Folded {
  const before = state ?? emptyState(nameless(commission.orderKey));
  const joined = joinCommission(before.commissions, commission, at);
  if (state !== undefined && !joined.changed) return unchanged(state);
  const after = { ...before, commissions: joined.commissions };
  return { state: after, changed: true, news: state === undefined || joined.news, alerts: [] };
}

function emptyState(told: OrderIdentity): OrderState {
  return {
    identity: identityOf(told),
    asked: null,
    quantity: null,
    live: null,
    ended: null,
    reported: null,
    traded: {},
    fills: {},
    commissions: {},
  };
}

/** A commission names its order by key alone; every id that comes later is better. */
function nameless(orderKey: string): OrderIdentity {
  return { orderKey, permId: 0, clientId: 0, orderId: 0, orderRef: '', origin: 'manual' };
}

function unchanged(state: OrderState): Folded {
  return { state, changed: false, news: false, alerts: [] };
}

function sameTraded(a: OrderState['traded'], b: OrderState['traded'], { contract }: FillReport): boolean {
  return a === b || sameContent(a[contract.conId], b[contract.conId]);
}

/** The venue in it differs from execution to execution, so one of them has to be chosen: the first by stamp. */
function joinTraded(
  traded: OrderState['traded'],
  contract: TradedContract,
  { epoch, seq }: Stamp,
): OrderState['traded'] {
  const stored = traded[contract.conId];
  const at = { epoch, seq };
  if (stored !== undefined && compareStamps(at, stored.at) >= 0) return traded;
  return { ...traded, [contract.conId]: { at, contract: copyContract(contract) } };
}
