/** Executions and what they cost: each once, whatever comes first, and for its own order. */
import type { CommissionFact, ExecutionFact } from './broker-facts.ts';
import { parseExecId } from './exec-id.ts';
import type { CommissionReport, FillReport } from './fill-report.ts';
import { isShare, keyOfPermId, keyOfShare } from './order-key.ts';
import type { OrderIdentity } from './order-report.ts';
import { foldCommission } from './order-state.ts';
import type { Stamp } from './stamp.ts';
import { execName, identityOf, keep, pointTo, takeFill, trackedOrder } from './tracker-orders.ts';
import { askSoon } from './tracker-rounds.ts';
import { see, takeHeld } from './tracker-routes.ts';
import { mergeIds, over } from './tracker-sight.ts';
import { apiId, emit, nextStamp, type TrackedOrder, type TrackerState } from './tracker-state.ts';
import { addCombo, awaitFact } from './tracker-waiting.ts';
import { executionSight } from './tracker-words.ts';

export function takeExecution(state: TrackerState, fact: ExecutionFact, at: Stamp): void {
  const { execBase } = parseExecId(fact.execId);
  const combo = fact.contract.secType === 'BAG';
  const order = inItsAccount(state, orderOfExecution(state, fact, execBase), fact.account);
  if (combo) {
    addCombo(state, execBase);
    if (order?.report !== undefined) see(state, order, executionSight(fact, at), at);
    return;
  }
  if (order === undefined) {
    askSoon(state);
    awaitFact(state, 'executions', fact.execId, fact, at);
    return;
  }
  // With a permId, the order that was held back under the same ids is known too.
  const before = isShare(order.key) ? undefined : takeHeld(state, fact);
  if (before?.terms !== undefined) see(state, order, over(before, { at, ids: { permId: fact.permId } }), at);
  const identity = mergeIds(identityOf(order), fact);
  const fill = fillReport(fact, identity);
  pointTo(state, order, fact, at);
  state.keyByExec.set(execName(order.key, fill), order.key);
  takeFill(state, order, fill);
  takeCommissionsOf(state, execBase);
  // The order's cumulative quantity is not a share's.
  if (isShare(order.key)) return;
  // A leg's quantity is not the combination's.
  const leg = order.report?.contract.secType === 'BAG';
  see(state, order, leg ? { at } : executionSight(fact, at), at);
}

/** An execution that nothing tells the order of: an order of its own, as far as anybody can know. */
export function takeStrayExecution(state: TrackerState, fact: ExecutionFact, at: Stamp): void {
  const { execBase } = parseExecId(fact.execId);
  state.keyByExec.set(execBase, trackedOrder(state, `E${execBase}`, fact.account).key);
  takeExecution(state, fact, at);
}

/** An adviser's order is executed for several accounts: what another one got is that one's, under a key of its own. */
function inItsAccount(
  state: TrackerState,
  order: TrackedOrder | undefined,
  account: string,
): TrackedOrder | undefined {
  if (order === undefined || account === '' || account === order.account) return order;
  return trackedOrder(state, keyOfShare(order.key, account), account);
}

function orderOfExecution(
  state: TrackerState,
  fact: ExecutionFact,
  execBase: string,
): TrackedOrder | undefined {
  const told = state.orders.get(state.keyByExec.get(execBase) ?? '');
  if (told !== undefined) return told;
  if (fact.permId !== 0) {
    const known = state.orders.get(state.keyByPerm.get(fact.permId) ?? '');
    if (known !== undefined) return known;
    if (fact.contract.secType === 'BAG') return undefined;
    return trackedOrder(state, keyOfPermId(fact.permId), fact.account);
  }
  if (fact.orderId > 0) return state.orders.get(state.keyByApi.get(apiId(fact.clientId, fact.orderId)) ?? '');
  if (fact.contract.secType === 'BAG') return undefined;
  return trackedOrder(state, `E${execBase}`, fact.account);
}

export function takeCommission(state: TrackerState, fact: CommissionFact, at: Stamp): void {
  // A sentinel says that there is nothing to say yet, or ever (`ib-facts` 28).
  if (fact.commission === null) return;
  const { execBase } = parseExecId(fact.execId);
  if (state.comboRows.has(execBase)) return;
  const key = state.keyByExec.get(fact.execId) ?? state.keyByExec.get(execBase);
  const order = state.orders.get(key ?? '');
  if (order === undefined) {
    awaitFact(state, 'commissions', fact.execId, fact, at);
    return;
  }
  const report = commissionReport(fact, order.key);
  const folded = foldCommission(order.state, report, nextStamp(state));
  if (folded.news) emit(state, 'commission.received', report, order.account, state.nowMs);
  keep(state, order, folded);
}

export function commissionReport(fact: CommissionFact, orderKey: string): CommissionReport {
  const { execBase, revision } = parseExecId(fact.execId);
  const { execId, currency, realizedPnl } = fact;
  return { orderKey, execId, execBase, revision, commission: fact.commission ?? '0', currency, realizedPnl };
}

function takeCommissionsOf(state: TrackerState, execBase: string): void {
  // Few wait at any time: a commission follows its execution.
  for (const [execId, waiting] of state.commissions) {
    if (parseExecId(execId).execBase !== execBase) continue;
    state.commissions.delete(execId);
    takeCommission(state, waiting.fact, waiting.at);
  }
}

export function fillReport(fact: ExecutionFact, identity: OrderIdentity): FillReport {
  const { execId, contract, side, quantity, price, timeMs, exchange, liquidation, liquidity } = fact;
  const { cumulativeQuantity, averagePrice } = fact;
  return {
    ...identity,
    execId,
    ...parseExecId(execId),
    contract,
    side,
    quantity,
    price,
    timeMs,
    exchange,
    liquidation,
    liquidity,
    cumulativeQuantity,
    averagePrice,
    synthetic: false,
  };
}
