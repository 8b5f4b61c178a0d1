/**
 * Account and order requests. The account is flat and has no orders, so every list is empty and ends with its own end
 * marker; orders are refused, because there is no matching engine yet.
 */
import type { GatewayCore } from './core.ts';
import { managedAccounts } from './encode.ts';
import { accountDownloadEnd, accountSummaryEnd, accountTime, pnl, positionEnd } from './encode-account.ts';
import { completedOrdersEnd, executionsEnd, openOrderEnd } from './encode-orders.ts';
import type { Handler } from './handler.ts';
import { zonedText } from './history-text.ts';
import type { Session } from './session.ts';

const readOnlyText =
  "Error validating request.-'b6' : cause - The API interface is currently in Read-Only mode.";
const noEngineText = 'Order rejected - reason: the simulated gateway has no matching engine yet';

function refuseOrder(core: GatewayCore, session: Session, id: number): boolean {
  if (core.faults.readOnly) session.sendError(id, 321, readOnlyText);
  return core.faults.readOnly;
}

export const accountRequests: Readonly<Record<number, Handler>> = {
  /** placeOrder */
  3: (core, session, fields) => {
    const id = fields.integer();
    core.count('ordersRefused');
    if (!refuseOrder(core, session, id)) session.sendError(id, 201, noEngineText);
  },
  /** cancelOrder; from server version 192 on without a version field */
  4: (core, session, fields) => {
    const id = fields.skip(session.serverVersion >= 192 ? 0 : 1).integer();
    if (refuseOrder(core, session, id)) return;
    session.sendError(id, 10147, `OrderId ${id} that needs to be cancelled is not found.`);
  },
  /** reqOpenOrders */
  5: (core, session) => {
    // A read-only API refuses the orders' list as well: this is how a client finds out before its first order.
    if (!refuseOrder(core, session, -1)) session.send(openOrderEnd());
  },
  /** reqAccountUpdates */
  6: (core, session, fields) => {
    const wanted = fields.skip(1).flag();
    const account = fields.text() || core.account;
    if (!wanted) return;
    core.clock.advance();
    const time = zonedText(core.clock.tapeMs, 'US/Eastern', 173).slice(-8, -3);
    session.send(accountTime(time));
    session.send(accountDownloadEnd(account));
  },
  /** reqExecutions */
  7: (_core, session, fields) => session.send(executionsEnd(fields.skip(1).integer())),
  /** reqAutoOpenOrders: nothing is bound, because there is nothing to bind */
  15: () => undefined,
  /** reqAllOpenOrders */
  16: (_core, session) => session.send(openOrderEnd()),
  /** reqManagedAccts */
  17: (core, session) => session.send(managedAccounts(core.account)),
  /** reqGlobalCancel */
  58: (core, session) => {
    refuseOrder(core, session, -1);
  },
  /** reqPositions */
  61: (_core, session) => session.send(positionEnd()),
  /** reqAccountSummary */
  62: (_core, session, fields) => session.send(accountSummaryEnd(fields.skip(1).integer())),
  /** cancelAccountSummary, cancelPositions: both lists were complete when they were sent */
  63: () => undefined,
  64: () => undefined,
  /** reqPnL of a flat account */
  92: (_core, session, fields) =>
    session.send(pnl({ id: fields.integer(), daily: '0.0', unrealized: '0.0', realized: '0.0' })),
  /** cancelPnL */
  93: () => undefined,
  /** reqCompletedOrders */
  99: (_core, session) => session.send(completedOrdersEnd()),
};
