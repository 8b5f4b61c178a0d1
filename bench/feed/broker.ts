import { createServer, type Server, type Socket } from 'node:net';
import {
  contractDetails,
  contractDetailsEnd,
  currentTime,
  managedAccounts,
  message,
  nextValidId,
  versionReply,
} from '../../sandbox/gateway/encode.ts';
import { historicalData, marketDataType, tickReqParams } from '../../sandbox/gateway/encode-market.ts';
import { FrameReader, frame } from '../../sandbox/gateway/frame.ts';

/** One future that the broker knows. */
export interface BrokerContract {
  readonly conId: number;
  readonly symbol: string;
}

export interface BrokerOptions {
  readonly contracts: readonly BrokerContract[];
  /** Unix ms, UTC; inside trading hours that begin a day before it and end five days after. */
  readonly aroundMs: number;
  /** A client has opened its session. */
  opened?(): void;
  /** The broker's clock: its answer to reqCurrentTime. */
  nowSeconds(): number;
  subscribed(socket: Socket, reqId: number, contract: BrokerContract): void;
}

const SERVER_VERSION_MAX = 193;
const DAY_MS = 86_400_000;

/**
 * As much of a gateway as a benchmark needs: it opens a session, names contracts, acknowledges subscriptions, tells
 * the time and has no history. The simulated gateway of the sandbox does far more, and costs more: here the feeding
 * side must be idle for most of the time, or it would be what is measured.
 */
export async function listen(
  options: BrokerOptions,
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => serve(socket, options));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The feeder has no port.');
  return { server, port: address.port };
}

/** Until the socket takes more, or is gone. */
export function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}

function serve(socket: Socket, options: BrokerOptions): void {
  const reader = new FrameReader();
  socket.setNoDelay(true);
  // A client that is done simply goes away.
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    for (const input of reader.push(chunk)) {
      if (input.kind === 'request') answer(socket, input.fields, options);
      else
        socket.write(
          frame(versionReply(Math.min(input.versionMax, SERVER_VERSION_MAX), '20260105 09:30:00 EST')),
        );
    }
  });
}

function answer(socket: Socket, fields: readonly string[], options: BrokerOptions): void {
  const send = (body: string) => socket.write(frame(body));
  switch (fields[0]) {
    case '71': // startApi
      options.opened?.();
      send(managedAccounts('DU1234567'));
      send(nextValidId(1));
      return;
    case '49':
      send(currentTime(options.nowSeconds()));
      return;
    case '9': {
      // reqContractDetails: 9, version, reqId, conId, symbol
      const [, , id = '', conId = '', symbol = ''] = fields;
      for (const contract of options.contracts) {
        if (contract.symbol === symbol || contract.conId === Number(conId))
          send(details(id, contract, options.aroundMs));
      }
      send(contractDetailsEnd(id));
      return;
    }
    case '1': {
      // reqMktData: 1, version, reqId, conId
      const [, , id = '', conId = ''] = fields;
      const contract = options.contracts.find((each) => each.conId === Number(conId));
      if (!contract) throw new Error(`A client subscribes to the unknown contract ${conId}.`);
      send(marketDataType({ id, type: 1 }));
      send(tickReqParams({ id, minTick: '0.1', bboExchange: '9c0001', permissions: 3 }));
      options.subscribed(socket, Number(id), contract);
      return;
    }
    case '20': // reqHistoricalData: nothing traded before the benchmark began
      send(historicalData({ id: fields[1] ?? '', start: '', end: '', bars: [] }));
      return;
    case '5': // reqOpenOrders
      send(message(53, 1));
      return;
    default: // reqMarketDataType, cancels: no answer on a real gateway either
  }
}

function details(id: string, { conId, symbol }: BrokerContract, aroundMs: number): string {
  const hours = tradingHours(aroundMs);
  return contractDetails(SERVER_VERSION_MAX, {
    id,
    symbol,
    secType: 'FUT',
    lastTradeDate: day(aroundMs + 60 * DAY_MS),
    strike: '0',
    right: '',
    exchange: 'COMEX',
    currency: 'USD',
    localSymbol: `${symbol}G6`,
    marketName: symbol,
    tradingClass: symbol,
    conId,
    minTick: '0.1',
    multiplier: '100',
    orderTypes: 'LMT,MKT,STP',
    validExchanges: 'COMEX',
    priceMagnifier: 1,
    underConId: 0,
    longName: 'Benchmark future',
    primaryExchange: '',
    contractMonth: day(aroundMs + 60 * DAY_MS).slice(0, 6),
    industry: '',
    category: '',
    subcategory: '',
    timeZone: 'UTC',
    tradingHours: hours,
    liquidHours: hours,
    secIds: [],
    aggGroup: 2147483647,
    underSymbol: symbol,
    underSecType: 'IND',
    marketRuleIds: '26',
    realExpirationDate: day(aroundMs + 60 * DAY_MS),
    stockType: '',
    minSize: '1',
    sizeIncrement: '1',
    suggestedSizeIncrement: '1',
  });
}

/** Open round the clock, one session a day. */
function tradingHours(aroundMs: number): string {
  return Array.from({ length: 6 }, (_, index) => {
    const fromMs = aroundMs + (index - 1) * DAY_MS;
    return `${day(fromMs)}:0000-${day(fromMs + DAY_MS)}:0000`;
  }).join(';');
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10).replaceAll('-', '');
