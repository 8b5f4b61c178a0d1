/** Requests for market data: lines, tick-by-tick, real-time bars, historical bars. */

import { HistoricalLine, RealTimeBarsLine } from './bar-lines.ts';
import { findInstruments } from './contract-answers.ts';
import type { GatewayCore } from './core.ts';
import { marketDataType, tickReqParams, tickSnapshotEnd } from './encode-market.ts';
import { texts } from './faults.ts';
import type { RequestContract } from './fields.ts';
import { type Handler, notFound } from './handler.ts';
import { answerHistory } from './history.ts';
import type { InstrumentState } from './instrument-state.ts';
import { type Line, MarketLine, TickByTickLine, type TickByTickType } from './lines.ts';
import type { Session } from './session.ts';

const notSubscribed = 'Requested market data is not subscribed.Delayed market data is not available.';

/** reqMktData */
const requestMarketData: Handler = (core, session, fields) => {
  const id = fields.skip(1).integer();
  const contract = fields.contract();
  const state = resolve(core, session, id, contract);
  if (state === undefined) return;
  if (fields.flag()) fields.skip(3); // a delta-neutral contract
  const genericTicks = fields.text().split(',');
  const snapshot = fields.flag();
  if (core.market.has(session, 'market', id)) return duplicate(session, id);
  if (!snapshot && core.market.count('market') >= core.marketDataLines) {
    return session.sendError(id, 101, 'Max number of tickers has been reached');
  }
  if (forbidden(core, state)) return session.sendError(id, 354, notSubscribed);
  const { delayed } = core.faults;
  if (delayed) {
    session.sendError(id, 10167, 'Requested market data is not subscribed. Displaying delayed market data.');
  }
  session.send(marketDataType({ id, type: delayed ? 3 : 1 }));
  session.send(tickReqParams({ id, minTick: state.contract.minTick, bboExchange: '9c0001', permissions: 3 }));
  const line = new MarketLine(session, id, state, { rtVolume: genericTicks.includes('233'), delayed });
  if (core.feedUp) line.sendKnown();
  if (snapshot) session.send(tickSnapshotEnd(id));
  else subscribe(core, line);
};

/** reqTickByTickData */
const requestTickByTick: Handler = (core, session, fields) => {
  const id = fields.integer();
  const state = resolve(core, session, id, fields.contract());
  if (state === undefined) return;
  const type = fields.text();
  if (!['Last', 'AllLast', 'BidAsk', 'MidPoint'].includes(type)) {
    return session.sendError(
      id,
      321,
      `Error validating request.-'bZ' : cause - Invalid tick-by-tick type: ${type}`,
    );
  }
  if (core.market.has(session, 'tick-by-tick', id)) return duplicate(session, id);
  if (core.market.count('tick-by-tick') >= Math.max(5, Math.floor(core.marketDataLines * 0.05))) {
    return session.sendError(id, 10190, 'Max number of tick-by-tick requests has been reached');
  }
  if (forbidden(core, state)) return session.sendError(id, 354, notSubscribed);
  subscribe(core, new TickByTickLine(session, id, state, type as TickByTickType));
};

/** reqRealTimeBars */
const requestRealTimeBars: Handler = (core, session, fields) => {
  const id = fields.skip(1).integer();
  const state = resolve(core, session, id, fields.contract());
  if (state === undefined) return;
  fields.skip(1); // the bar size, of which there is only one
  const whatToShow = fields.text();
  if (whatToShow !== 'TRADES') {
    const text = `Error validating request.-'bV' : cause - ${whatToShow}: the simulated gateway has real-time bars of TRADES only.`;
    return session.sendError(id, 321, text);
  }
  if (core.market.has(session, 'real-time-bars', id)) return duplicate(session, id);
  if (forbidden(core, state)) {
    return session.sendError(id, 420, 'Invalid Real-time Query:No market data permissions for the contract');
  }
  subscribe(core, new RealTimeBarsLine(session, id, state));
};

/** reqHistoricalData */
const requestHistory: Handler = (core, session, fields) => {
  core.count('historyRequests');
  const id = fields.integer();
  const contract = fields.contract();
  const end = fields.skip(1).text(); // after includeExpired
  const barSize = fields.text();
  const duration = fields.text();
  fields.skip(1); // useRTH: the tape's rows are what there is
  const whatToShow = fields.text();
  const formatDate = fields.integer();
  const state = resolve(core, session, id, contract);
  if (state === undefined) return;
  const keepUpToDate = fields.flag();
  const failed = (cause: string) =>
    session.sendError(id, 162, `Historical Market Data Service error message:${cause}`);
  if (core.faults.hmdsDown) return failed('HMDS data farm connection is broken:ushmds');
  if (core.faults.connectivityLost) return failed('connectivity between IBKR and Trader Workstation is lost');
  const pacingKey = [state.contract.conId, end, barSize, duration, whatToShow].join('|');
  if (core.breaksPacing(pacingKey, String(state.contract.conId))) {
    return failed('Historical data request pacing violation');
  }
  if (core.market.has(session, 'historical', id)) return duplicate(session, id);
  const request = { id, end, barSize, duration, whatToShow, formatDate, keepUpToDate };
  const answered = answerHistory(request, state, session.serverVersion, core.clock.tapeMs);
  if ('code' in answered) return session.sendError(id, answered.code, answered.text);
  session.send(answered.message);
  if (keepUpToDate) subscribe(core, new HistoricalLine(session, id, state, answered.form));
};

const cancel =
  (kind: Line['kind'], skip: number, code: number, text: (id: number) => string): Handler =>
  (core, session, fields) => {
    const id = fields.skip(skip).integer();
    if (!core.market.remove(session, kind, id)) session.sendError(id, code, text(id));
    else core.clock.wake();
  };
const noTicker = (id: number) => `Can't find EId with tickerId:${id}`;

export const marketRequests: Readonly<Record<number, Handler>> = {
  1: requestMarketData,
  2: cancel('market', 1, 300, noTicker),
  20: requestHistory,
  25: cancel('historical', 1, 366, (id) => `No historical data query found for ticker id:${id}`),
  50: requestRealTimeBars,
  51: cancel('real-time-bars', 1, 300, noTicker),
  97: requestTickByTick,
  98: cancel('tick-by-tick', 0, 300, noTicker),
};

/** The tape starts at the first subscription. */
function subscribe(core: GatewayCore, line: Line): void {
  if (core.faults.competing && line.kind !== 'historical')
    line.session.sendError(line.id, 10197, texts.competing);
  core.market.add(line);
  if (core.startOnSubscribe) core.startTape();
  core.clock.wake();
}

function resolve(
  core: GatewayCore,
  session: Session,
  id: number,
  contract: RequestContract,
): InstrumentState | undefined {
  // Once, before anything is answered: a row played between a line's first ticks and its start would be lost to it.
  core.clock.advance();
  const found = findInstruments(core.market.states, contract);
  if (found.length === 1) return found[0];
  session.sendError(
    id,
    200,
    found.length === 0
      ? notFound
      : `The contract description specified for ${contract.symbol || contract.localSymbol} is ambiguous; you must specify the expiration or the local symbol.`,
  );
  return undefined;
}

const duplicate = (session: Session, id: number) =>
  session.sendError(id, 322, "Error processing request.-'bT' : cause - Duplicate ticker id");

function forbidden(core: GatewayCore, { contract }: InstrumentState): boolean {
  const { noPermission } = core.faults;
  if (noPermission === undefined || noPermission === 'all') return noPermission === 'all';
  return noPermission.includes(contract.localSymbol) || noPermission.includes(contract.symbol);
}
