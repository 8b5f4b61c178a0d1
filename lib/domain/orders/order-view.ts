/** What readers want to know of an order, derived from its state. */
import type { TradedContract } from './contract.ts';
import { type Amount, amount, derivedPrice, plain, sum, zero } from './decimals.ts';
import { type CountedFill, countFills, isCombination } from './fill-count.ts';
import { isWorking } from './legal-moves.ts';
import { costsOf } from './order-costs.ts';
import { type Ended, standingEnd } from './order-registers.ts';
import type { OrderIdentity, OrderReason, OrderStatus, OrderTerms, Settlement } from './order-report.ts';
import type { OrderState } from './order-state.ts';

export interface OrderView extends OrderIdentity {
  /** Of the order, else of its executions; null while only a commission is known. */
  readonly contract: TradedContract | null;
  /** With the last quantity that is known to be one; null until the order was reported. */
  readonly terms: OrderTerms | null;
  readonly status: OrderStatus;
  /** The broker may still fill it. */
  readonly working: boolean;
  readonly brokerStatus: string;
  readonly whyHeld: string;
  readonly reason: OrderReason | null;
  /** Sum of its executions; for a combination whose own executions were not told, what IB reports. Decimal text. */
  readonly filled: string;
  /** Asked for and not filled, whether it can still be or not (`working`); null while the quantity is not known. */
  readonly remaining: string | null;
  /** It ended with a part filled: `Cancelled`, `Expired` or `Rejected` is said of the rest alone. */
  readonly endedInPart: boolean;
  /** Of what is filled, at most 12 decimals; null before the first fill. */
  readonly averagePrice: string | null;
  /** What IB says, for comparison; the whole quantity where a person said that it filled. */
  readonly reportedFilled: string;
  readonly reportedAveragePrice: string | null;
  /** What IB reports as filled and no execution that was told explains; `0` when all is there. */
  readonly missing: string;
  /** Part of `filled` that only synthetic fills explain. */
  readonly synthetic: string;
  /** Executions that are not counted, because they go beyond the order's quantity. */
  readonly quarantined: readonly string[];
  /** Executions that the broker took back. */
  readonly busted: readonly string[];
  /** Executions that stand at a later revision than their first. */
  readonly corrected: readonly string[];
  /** Executions that IB told with two contents under one id. */
  readonly noisy: readonly string[];
  /** IB closed a position by it. */
  readonly liquidation: boolean;
  /** Cost by currency; negative is a rebate. */
  readonly commissions: { readonly [currency: string]: string };
  readonly realizedPnl: { readonly [currency: string]: string };
  /** Who gave it its end; left out where IB did, and where it has none. */
  readonly settled?: Settlement;
  /** Executions whose cost is not known. */
  readonly withoutCommission: readonly string[];
}

export function viewOf(state: OrderState): OrderView {
  const counts = countFills(state);
  const progress = counts.filter((count) => count.progress);
  const ended = standingEnd(state);
  const asked = state.quantity === null ? null : amount(state.quantity.quantity);
  // Who says that it filled says so of the whole quantity; what no execution tells of it is missing.
  const isSaidFilled = ended?.settled !== undefined && ended.status === 'Filled';
  const reported = isSaidFilled && asked !== null ? asked : amount(state.reported?.filled ?? '0');
  // Not every source tells the row of a combination; its legs say nothing of how often it was filled.
  const byReport = isCombination(state) && progress.length === 0;
  const filled = byReport ? reported : sum(progress.map(({ counted }) => counted));
  const status = statusOf(state, ended, filled, reported, asked);
  const names = (wanted: (count: CountedFill) => boolean) =>
    counts.filter(wanted).map(({ fill }) => fill.execId);
  return {
    ...state.identity,
    contract: contractOf(state),
    terms: state.asked && {
      ...state.asked.terms,
      ...(state.quantity && { quantity: state.quantity.quantity }),
    },
    status,
    working: isWorking(status),
    brokerStatus: (ended ?? state.live)?.brokerStatus ?? '',
    whyHeld: ended === null ? (state.live?.whyHeld ?? '') : '',
    reason: reasonOf(state, ended, status),
    filled: plain(filled),
    remaining: asked && plain(asked.gt(filled) ? asked.minus(filled) : zero),
    endedInPart: ended !== null && status !== 'Filled' && filled.gt(0),
    averagePrice: byReport ? (state.reported?.averagePrice ?? null) : averageOf(progress),
    reportedFilled: plain(reported),
    reportedAveragePrice: state.reported?.averagePrice ?? null,
    missing: plain(byReport && counts.length > 0 ? zero : missingOf(progress, reported)),
    synthetic: plain(sum(progress.filter(({ fill }) => fill.synthetic).map(({ counted }) => counted))),
    quarantined: names(({ standing }) => standing === 'quarantined'),
    busted: names(({ standing }) => standing === 'busted'),
    corrected: names((count) => count.corrected),
    noisy: names(({ fill }) => fill.noisy),
    liquidation: counts.some(({ fill }) => fill.liquidation),
    ...costsOf(state.commissions, counts),
    // Where the fills have made another end of it, nobody had to say one.
    ...(ended?.settled && ended.status === status && { settled: ended.settled }),
  };
}

const overruledByFills: readonly OrderStatus[] = ['ApiPending', 'PendingSubmit', 'PreSubmitted', 'Submitted'];

/** Fills first: they are proof. Then how it ended, then the last live state. */
function statusOf(
  { live }: OrderState,
  ended: Ended | null,
  filled: Amount,
  reported: Amount,
  asked: Amount | null,
): OrderStatus {
  if (ended?.status === 'Filled') return 'Filled';
  if (asked !== null && (filled.gte(asked) || reported.gte(asked))) return 'Filled';
  if (ended !== null) return ended.status;
  const begun = filled.gt(0) || reported.gt(0);
  if (live === null) return begun && asked !== null ? 'PartiallyFilled' : 'Unknown';
  return begun && overruledByFills.includes(live.status) ? 'PartiallyFilled' : live.status;
}

function contractOf({ asked, traded }: OrderState): TradedContract | null {
  if (asked !== null) return asked.contract;
  const contracts = Object.values(traded).map(({ contract }) => contract);
  return contracts.find(({ secType }) => secType === 'BAG') ?? contracts[0] ?? null;
}

/** Why it ended, or the last warning; nothing of a cancel that the fills overtook. */
function reasonOf({ live }: OrderState, ended: Ended | null, status: OrderStatus): OrderReason | null {
  if (status === 'Filled' && ended?.status !== 'Filled') return null;
  return (ended ?? live)?.reason ?? null;
}

function averageOf(progress: readonly CountedFill[]): string | null {
  const quantity = sum(progress.map(({ counted }) => counted));
  if (quantity.isZero()) return null;
  const value = sum(progress.map(({ fill, counted }) => counted.times(fill.price)));
  return derivedPrice(value.div(quantity));
}

/** A bust or a quarantined execution was told: what IB reported of it is explained. */
function missingOf(progress: readonly CountedFill[], reported: Amount): Amount {
  const told = sum(progress.map(({ fill, counted, stated }) => (fill.synthetic ? counted : stated)));
  return reported.gt(told) ? reported.minus(told) : zero;
}
