/**
 * Every position needs working stops of its size, whoever placed them. What counts is what would protect it now: not a
 * stop that the gateway holds back, that waits for its parent, or that is being cancelled.
 */
import { apiId } from '../book/item.ts';
import { statusOfWord } from '../orders/broker-words.ts';
import type { TradedContract } from '../orders/contract.ts';
import { type Amount, amount, plain, zero } from '../orders/decimals.ts';
import { isAccepted } from '../orders/legal-moves.ts';
import type { BrokerOrder, Judgement, ReconcileContext } from './context.ts';
import { sizeOf } from './holdings.ts';
import { gatherEvidence, isOwn } from './position-evidence.ts';
import { severityOf } from './severity.ts';
import type { Discrepancy, Pending, ReconcileInput } from './types.ts';

interface Stop {
  readonly conId: string;
  /** What it would sell is negative. */
  readonly quantity: Amount;
  /** `''` for none. */
  readonly ocaGroup: string;
  readonly name: string;
}

export function judgeProtection(input: ReconcileInput, context: ReconcileContext): Judgement {
  const discrepancies: Discrepancy[] = [];
  const pending: Pending[] = [];
  const { positions, complete, broker } = context;
  if (positions === null || !complete.open) {
    const part = positions === null ? 'positions' : 'openOrders';
    const why = `${part} is ${broker[part].outcome}: no verdict on the protection of positions`;
    return { discrepancies, pending, actions: [], unjudged: [why] };
  }
  const stops = stopsByContract(input, context);
  const bare = [...positions]
    .filter(
      ([, { contract }]) => !needsNone([contract.secType, contract.symbol, contract.localSymbol], input),
    )
    .map(([conId, { contract, position }]) => {
      const size = sizeOf(position);
      const own = stops.get(conId) ?? [];
      const against = own.filter(({ quantity }) => quantity.isPositive() !== size.isPositive());
      return { conId, contract, size, against, covered: coveredBy(against) };
    })
    .filter(({ size, covered }) => !size.isZero() && covered.lt(size.abs()))
    .sort((a, b) => Number(a.conId) - Number(b.conId));
  // What is claimed is ours to protect, whoever opened it.
  const isClaimed = ({ symbol }: TradedContract) => input.rules.initialStateSymbols.includes(symbol);
  // What our own orders alone have traded is ours, whatever it adds up to.
  const isShared = (conId: string) =>
    context.ordersOf(conId).some((key) => !isOwn(context.after.get(key)!, input.rules.ownClientIds));
  const others = bare
    .filter(({ conId, contract }) => !isClaimed(contract) && isShared(conId))
    .map(({ conId }) => conId);
  const evidenceOf = gatherEvidence(new Set(others), input, context);
  for (const { conId, contract, size, against, covered } of bare) {
    const why = context.unsettled.get(conId);
    if (why !== undefined) {
      pending.push({ subject: `position ${conId}`, why: `its stops: ${why}`, runs: 1 });
      continue;
    }
    const { own, after } = evidenceOf(conId);
    // All of it is known to be somebody else's: their stops are theirs to place, and need not hold up our strategies.
    const isExternal = own.isZero() && after.eq(size) && !isClaimed(contract);
    discrepancies.push({
      id: `UNPROTECTED_POSITION:position ${conId}`,
      type: 'UNPROTECTED_POSITION',
      severity: isExternal ? 'HIGH' : severityOf('UNPROTECTED_POSITION'),
      subject: `position ${conId}`,
      symbol: contract.localSymbol || contract.symbol,
      broker: `${plain(size)}, stops for ${plain(covered)}`,
      book: '',
      message: `${isExternal ? 'EXTERNAL: no order of ours opened it. ' : ''}Working stop orders protect ${plain(covered)} of ${plain(size.abs())}. Place a stop for the rest, or close it.`,
      evidence: [`position ${conId}`, ...against.map(({ name }) => name)],
    });
  }
  return { discrepancies, pending, actions: [], unjudged: [] };
}

function needsNone(names: readonly string[], { rules }: ReconcileInput): boolean {
  return names.some((name) => rules.noStopNeeded?.includes(name));
}

/** Of an OCA group one is filled at most: the largest counts for all. */
function coveredBy(stops: readonly Stop[]): Amount {
  let covered = zero;
  const groups = new Map<string, Amount>();
  for (const { quantity, ocaGroup } of stops) {
    const size = quantity.abs();
    if (ocaGroup === '') covered = covered.plus(size);
    else if (size.gt(groups.get(ocaGroup) ?? zero)) groups.set(ocaGroup, size);
  }
  for (const size of groups.values()) covered = covered.plus(size);
  return covered;
}

function stopsByContract(
  input: ReconcileInput,
  context: ReconcileContext,
): ReadonlyMap<string, readonly Stop[]> {
  const stops = new Map<string, Stop[]>();
  const parents = new Map<string, Amount>();
  for (const [orderKey, order] of context.brokerOrders) {
    if (order.open === null || order.orderId <= 0 || order.open.status === 'Filled') continue;
    parents.set(apiId(order.clientId, order.orderId), filledOf(orderKey, order, context));
  }
  for (const [orderKey, order] of context.brokerOrders) {
    const stop = stopOf(orderKey, order, parents, input, context);
    if (stop === undefined) continue;
    const known = stops.get(stop.conId);
    if (known === undefined) stops.set(stop.conId, [stop]);
    else known.push(stop);
  }
  return stops;
}

/** Undefined for what is no stop, or one that would not act now. */
function stopOf(
  orderKey: string,
  order: BrokerOrder,
  parents: ReadonlyMap<string, Amount>,
  { book }: ReconcileInput,
  context: ReconcileContext,
): Stop | undefined {
  const { open, status } = order;
  if (open === null || !open.transmit || !/^(STP|TRAIL)/.test(open.terms.orderType)) return undefined;
  const before = book.orders.get(orderKey)?.body.status;
  const state = statusOfWord(status?.status ?? open.status, { before });
  if (!isAccepted(state) || state === 'PendingCancel') return undefined;
  const asked = amount(open.terms.quantity);
  const filled = filledOf(orderKey, order, context);
  const rest = asked.gt(filled) ? asked.minus(filled) : zero;
  // A child wakes up with its parent: it protects what the parent has filled.
  const parentFilled = parents.get(apiId(order.clientId, open.terms.parentId)) ?? rest;
  const quantity = parentFilled.lt(rest) ? parentFilled : rest;
  if (quantity.isZero()) return undefined;
  return {
    conId: String(open.contract.conId),
    quantity: open.terms.action === 'BUY' ? quantity : quantity.negated(),
    ocaGroup: open.terms.ocaGroup,
    name: `order ${orderKey}`,
  };
}

function filledOf(orderKey: string, { status }: BrokerOrder, { after }: ReconcileContext): Amount {
  return amount(status?.filled ?? after.get(orderKey)?.filled ?? '0');
}
