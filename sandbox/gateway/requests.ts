/** What the gateway answers to each message of a client that is past startApi. */

import { accountRequests } from './account-requests.ts';
import { describe, findInstruments, marketRuleId } from './contract-answers.ts';
import type { GatewayCore } from './core.ts';
import { contractDetails, contractDetailsEnd, currentTime, nextValidId } from './encode.ts';
import { headTimestamp, marketRule } from './encode-market.ts';
import { Fields } from './fields.ts';
import { type Handler, notFound } from './handler.ts';
import { utcText } from './history-text.ts';
import { marketRequests } from './market-requests.ts';
import { orderRequests } from './order-requests.ts';
import type { Session } from './session.ts';

const general: Readonly<Record<number, Handler>> = {
  /** reqIds */
  8: (core, session) => {
    if (!core.faults.noNextValidId) session.send(nextValidId(core.orders.nextOrderId(session.clientId)));
  },
  /** reqContractData */
  9: (core, session, fields) => {
    const id = fields.skip(1).integer();
    const found = findInstruments(core.market.states, fields.contract());
    if (found.length === 0) return session.sendError(id, 200, notFound);
    for (const { contract } of found) {
      const ruleId = marketRuleId(contract, core.market.states);
      session.send(contractDetails(session.serverVersion, describe(id, contract, ruleId)));
    }
    session.send(contractDetailsEnd(id));
  },
  /** setServerLogLevel */
  14: () => undefined,
  /** reqCurrentTime: the tape's */
  49: (core, session) => {
    core.clock.advance();
    session.send(currentTime(Math.floor(core.clock.tapeMs / 1_000)));
  },
  /** reqMarketDataType */
  59: (_core, session, fields) => {
    session.marketDataType = fields.skip(1).integer();
  },
  /** reqHeadTimestamp */
  87: (core, session, fields) => {
    const id = fields.integer();
    const contract = fields.contract();
    const formatDate = fields.skip(3).integer(); // after includeExpired, useRTH, whatToShow
    const first = findInstruments(core.market.states, contract)[0]?.trades[0];
    if (first === undefined) return session.sendError(id, 200, notFound);
    const text = formatDate === 2 ? String(Math.floor(first.timeMs / 1_000)) : utcText(first.timeMs);
    session.send(headTimestamp(id, text));
  },
  /** cancelHeadTimestamp: the answer has left already */
  90: () => undefined,
  /** reqMarketRule */
  91: (core, session, fields) => {
    const id = fields.integer();
    const states = core.market.states;
    const state = states.find(({ contract }) => marketRuleId(contract, states) === id);
    if (state === undefined)
      return session.sendError(-1, 321, `Error validating request.-'cf' : cause - No market rule ${id}`);
    session.send(marketRule(id, [{ lowEdge: '0', increment: state.contract.minTick }]));
  },
};

const handlers = new Map<number, Handler>(
  [general, marketRequests, accountRequests, orderRequests].flatMap((table) =>
    Object.entries(table).map(([id, handler]): [number, Handler] => [Number(id), handler]),
  ),
);

/** Answers one message. Throws `ProtocolError` when it is malformed. */
export function answer(core: GatewayCore, session: Session, fields: string[]): void {
  const reader = new Fields(fields);
  const messageId = reader.integer();
  const handler = handlers.get(messageId);
  if (handler === undefined) {
    core.count('unknownRequests');
    session.sendError(
      -1,
      320,
      `Server error when reading an API client request: the simulated gateway does not serve message ${messageId}.`,
    );
    return;
  }
  handler(core, session, reader);
}
