/** Every position needs working stops of its size, whoever placed them; `safety/protection-rule.ts` says what counts. */
import { apiId } from '../book/item.ts';
import { statusOfWord } from '../orders/broker-words.ts';
import type { TradedContract } from '../orders/contract.ts';
import { plain } from '../orders/decimals.ts';
import {
  coverOf,
  isStopType,
  needsNoStop,
  type RestingOrder,
  type Stop,
  stopOf,
} from '../safety/protection-rule.ts';
import type { BrokerOrder, Judgement, ReconcileContext } from './context.ts';
import { sizeOf } from './holdings.ts';
import { gatherEvidence, isOwn } from './position-evidence.ts';
import { severityOf } from './severity.ts';
import type { Discrepancy, Pending, ReconcileInput } from './types.ts';

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
    .filter(([, { contract }]) => !needsNoStop(contract, input.rules.noStopNeeded))
    .map(([conId, { contract, position }]) => {
      const size = sizeOf(position);
      return { conId, contract, size, ...coverOf(size, stops.get(conId) ?? []) };
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
      evidence: [`position ${conId}`, ...against.map(({ orderKey }) => `order ${orderKey}`)],
    });
  }
  return { discrepancies, pending, actions: [], unjudged: [] };
}

function stopsByContract(
  input: ReconcileInput,
  context: ReconcileContext,
): ReadonlyMap<string, readonly Stop[]> {
  const stops = new Map<string, Stop[]>();
  const parents = new Map<string, string>();
  for (const [orderKey, order] of context.brokerOrders) {
    if (order.open === null || order.orderId <= 0 || order.open.status === 'Filled') continue;
    parents.set(apiId(order.clientId, order.orderId), filledOf(orderKey, order, context));
  }
  for (const [orderKey, order] of context.brokerOrders) {
    const resting = restingOrder(orderKey, order, parents, input, context);
    const stop = resting && stopOf(resting);
    if (stop === undefined) continue;
    const known = stops.get(String(stop.conId));
    if (known === undefined) stops.set(String(stop.conId), [stop]);
    else known.push(stop);
  }
  return stops;
}

/** Undefined for what is no stop, or what the broker does not list as open. */
function restingOrder(
  orderKey: string,
  order: BrokerOrder,
  parents: ReadonlyMap<string, string>,
  { book }: ReconcileInput,
  context: ReconcileContext,
): RestingOrder | undefined {
  const { open, status } = order;
  if (open === null || !isStopType(open.terms.orderType)) return undefined;
  const before = book.orders.get(orderKey)?.body.status;
  return {
    orderKey,
    conId: open.contract.conId,
    action: open.terms.action,
    orderType: open.terms.orderType,
    quantity: open.terms.quantity,
    filled: filledOf(orderKey, order, context),
    status: statusOfWord(status?.status ?? open.status, { before }),
    transmit: open.transmit,
    ocaGroup: open.terms.ocaGroup,
    parentFilled: parents.get(apiId(order.clientId, open.terms.parentId)) ?? null,
  };
}

function filledOf(orderKey: string, { status }: BrokerOrder, { after }: ReconcileContext): string {
  return status?.filled ?? after.get(orderKey)?.filled ?? '0';
}
