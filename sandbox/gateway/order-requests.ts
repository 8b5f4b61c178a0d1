/** Requests of the order side: place, cancel, and the lists of orders and executions. */
import { Temporal } from 'temporal-polyfill';
import { invalid } from './broker/terms-check.ts';
import type { BrokerOrder, Execution } from './broker/types.ts';
import { findInstruments } from './contract-answers.ts';
import type { GatewayCore } from './core.ts';
import { completedOrdersEnd, executionsEnd, openOrderEnd } from './encode-orders.ts';
import type { Fields } from './fields.ts';
import { type Handler, notFound } from './handler.ts';
import { endMs } from './history-text.ts';
import { commissionReport, completedOrder, executionDetails } from './order-messages.ts';
import { readPlaceOrder, withGoodTill } from './place-order.ts';
import type { Session } from './session.ts';
import { answerWhatIf } from './what-if.ts';

const readOnlyText =
  "Error validating request.-'b6' : cause - The API interface is currently in Read-Only mode.";
const cutOffText = 'Order rejected - reason:there is no connection between TWS and IB now';

/** What no order request gets past; true when it was answered here. */
function refused(core: GatewayCore, session: Session, id: number): boolean {
  const { orders, faults } = core;
  if (faults.readOnly) {
    core.count('ordersRefused');
    session.sendError(id, 321, readOnlyText);
    return true;
  }
  if (orders.pacing === 0) return false;
  orders.pacing -= 1;
  core.count('ordersRefused');
  session.sendError(-1, 100, 'Max rate of messages per second has been exceeded.');
  return true;
}

const placeOrder: Handler = (core, session, fields) => {
  core.count('placeOrders');
  const read = readPlaceOrder(fields, session.serverVersion);
  if ('whatIf' in read && read.whatIf) core.count('whatIfs');
  const refuse = (code: number, text: string) => {
    core.count('ordersRefused');
    session.sendError(read.orderId, code, text);
  };
  if (refused(core, session, read.orderId)) return;
  if (core.faults.connectivityLost) return refuse(201, cutOffText);
  if ('refusal' in read) return refuse(read.refusal.code, read.refusal.text);
  if (read.orderId === 0) return refuse(321, invalid('An order id of 0 cannot be placed.').text);
  core.clock.advance();
  const found = findInstruments(core.market.states, read.contract);
  if (found.length !== 1) return refuse(200, notFound);
  const { accounts } = core;
  if (read.account === '' && accounts.length > 1) return refuse(435, 'You must specify an account.');
  if (read.account !== '' && !accounts.includes(read.account))
    return refuse(321, invalid(`Invalid account code '${read.account.slice(0, 40)}'.`).text);
  const request = {
    account: read.account || accounts[0]!,
    clientId: session.clientId,
    orderId: read.orderId,
    instrument: found[0]!,
    exchange: read.contract.exchange,
    parentId: read.parentId,
    transmit: read.transmit,
    terms: withGoodTill(read.terms, core.orders.timeZone),
  };
  const fault = read.whatIf ? core.orders.prepared.take('what-if')?.how : undefined;
  const isQuestion = read.whatIf && fault !== 'placed';
  const refusal = isQuestion
    ? answerWhatIf(core.orders, session, request, fault)
    : core.orders.broker.place(request);
  if (refusal !== undefined && 'code' in refusal) refuse(refusal.code, refusal.text);
};

const cancelOrder: Handler = (core, session, fields) => {
  const id = fields.skip(session.serverVersion >= 192 ? 0 : 1).integer();
  if (refused(core, session, id)) return;
  core.clock.advance();
  const order = core.orders.broker.orders.find(session.clientId, id);
  if (order === undefined) {
    session.sendError(id, 10147, `OrderId ${id} that needs to be cancelled is not found.`);
    return;
  }
  const refusal = core.orders.broker.cancel(order);
  if (refusal !== undefined) session.sendError(id, refusal.code, refusal.text);
};

/** Orders typed into TWS get ids by which client 0 may change them. */
function bindManual(core: GatewayCore): void {
  const { orders } = core.orders.broker;
  for (const order of orders.open()) orders.bind(order);
}

/** reqOpenOrders: a client's own; client 0 has also those typed into TWS, which binds them. */
const requestOpenOrders: Handler = (core, session) => {
  // A read-only API refuses the orders' list as well: this is how a client finds out before its first order.
  if (refused(core, session, -1)) return;
  core.clock.advance();
  if (session.clientId === 0) bindManual(core);
  tellOpen(core, session, (order) => order.clientId === session.clientId);
};

/** reqAllOpenOrders: of all clients, once. New ids of this client must exceed all that it has seen (ib-facts 7). */
const requestAllOpenOrders: Handler = (core, session) => {
  if (core.faults.readOnly) return session.sendError(-1, 321, readOnlyText);
  core.clock.advance();
  for (const order of tellOpen(core, session, () => true)) {
    core.orders.broker.orders.raise(session.clientId, order.orderId);
  }
};

function tellOpen(
  core: GatewayCore,
  session: Session,
  wanted: (order: BrokerOrder) => boolean,
): BrokerOrder[] {
  const open = core.orders.broker.orders.open().filter(wanted);
  for (const order of open) core.orders.tellOpen(session, order);
  core.orders.send(session, openOrderEnd());
  return open;
}

/** reqCompletedOrders: those of the day in the gateway's zone, in the order in which they ended. */
const requestCompletedOrders: Handler = (core, session, fields) => {
  const apiOnly = fields.flag();
  core.clock.advance();
  const { broker, timeZone } = core.orders;
  const sinceMs = midnightMs(core.clock.tapeMs, timeZone);
  const done = broker.orders
    .sent()
    .filter((order) => order.stage === 'done' && order.completedMs >= sinceMs && !(apiOnly && order.manual))
    .sort((a, b) => a.completedMs - b.completedMs);
  for (const order of done) core.orders.send(session, completedOrder(session.serverVersion, order, timeZone));
  core.orders.send(session, completedOrdersEnd());
};

/** reqExecutions: of all clients since midnight, every revision, each with its commission. */
const requestExecutions: Handler = (core, session, fields) => {
  const id = fields.skip(1).integer();
  const wanted = executionFilter(fields, core.orders.timeZone);
  if (wanted === undefined)
    return session.sendError(id, 321, invalid('Invalid time in the execution filter.').text);
  core.clock.advance();
  const { broker, timeZone } = core.orders;
  const sinceMs = midnightMs(core.clock.tapeMs, timeZone);
  for (const execution of broker.ledger.all) {
    if (execution.timeMs < sinceMs || !wanted(execution)) continue;
    core.orders.send(session, executionDetails(session.serverVersion, id, execution, timeZone));
    if (core.orders.commissionKnown(execution)) core.orders.send(session, commissionReport(execution));
  }
  core.orders.send(session, executionsEnd(id));
};

const sideNames: Readonly<Record<string, string>> = { BOT: 'BUY', SLD: 'SELL' };

/** Empty fields, and client id 0, want everything. Undefined when the time is none. */
function executionFilter(fields: Fields, timeZone: string): ((execution: Execution) => boolean) | undefined {
  const clientId = fields.integer();
  const account = fields.text();
  const time = fields.text();
  const [symbol, secType, exchange, side] = [fields.text(), fields.text(), fields.text(), fields.text()];
  const sinceMs = time === '' ? Number.NEGATIVE_INFINITY : endMs(time, 0, timeZone);
  if (sinceMs === undefined) return undefined;
  const same = (asked: string, value: string) => asked === '' || asked === value;
  return ({ order, exchange: where, timeMs }) => {
    const { contract } = order.instrument;
    return (
      (clientId === 0 || clientId === order.clientId) &&
      same(account, order.account) &&
      timeMs >= sinceMs &&
      same(symbol, contract.symbol) &&
      same(secType, contract.secType) &&
      same(exchange, where) &&
      same(sideNames[side] ?? side, order.terms.action)
    );
  };
}

/** The midnight before a time, in the gateway's zone. */
function midnightMs(timeMs: number, timeZone: string): number {
  return Temporal.Instant.fromEpochMilliseconds(Math.floor(timeMs)).toZonedDateTimeISO(timeZone).startOfDay()
    .epochMilliseconds;
}

export const orderRequests: Readonly<Record<number, Handler>> = {
  3: placeOrder,
  4: cancelOrder,
  5: requestOpenOrders,
  7: requestExecutions,
  /** reqAutoOpenOrders: only client 0 may bind */
  15: (core, session, fields) => {
    const bind = fields.skip(1).flag();
    if (session.clientId !== 0)
      return session.sendError(-1, 327, 'Only the default client (i.e 0) can auto bind orders.');
    if (bind) bindManual(core);
  },
  16: requestAllOpenOrders,
  /** reqGlobalCancel */
  58: (core, session) => {
    if (refused(core, session, -1)) return;
    core.clock.advance();
    core.orders.broker.cancelAll();
  },
  99: requestCompletedOrders,
};
