/** The simulated broker behind a gateway without sockets: connections that break, stall and lose words, in the time of a run. */
import type { Order } from '@stoqey/ib';
import type { BrokerFact, BrokerList } from '../../lib/domain/orders/broker-facts.ts';
import { Broker } from '../../sandbox/gateway/broker/broker.ts';
import { cents } from '../../sandbox/gateway/broker/money.ts';
import { marketTerms } from '../../sandbox/gateway/broker/order-terms.ts';
import type { BrokerEvent, OrderTerms } from '../../sandbox/gateway/broker/types.ts';
import { deriveContracts } from '../../sandbox/tapes/contracts.ts';
import type { TapeRow } from '../../sandbox/tapes/tape.ts';
import type { ListEnd } from '../../streamer/broker-link-types.ts';
import type { OrderToWrite } from '../../streamer/order-writer.ts';
import { completedFact, executionFacts, openFact, positionFact, statusFact } from './exactly-once-facts.ts';
import type { VirtualTime } from './exactly-once-time.ts';

/** What a gateway needs of the time that it lives in. */
export type GatewayTime = Pick<VirtualTime, 'nowMs' | 'between' | 'after' | 'chance'>;

export const account = 'DU1234567';
export const clientId = 1;
export const lastPrice = '2700';
const laterSymbol = 'GCJ6';
/** Until an order, a change or a cancel arrives at the exchange. */
const exchangeMs = 30;

/** What the gateway tells its client. */
export interface GatewayClient {
  ready(nextValidId: number): void;
  fact(fact: BrokerFact): void;
  listEnd(end: ListEnd): void;
  closed(): void;
}

/** One call of placeOrder as it came in. */
export interface Placed {
  readonly orderId: number;
  readonly orderRef: string;
  readonly transmit: boolean;
  readonly refused: number;
}

interface InFlight {
  readonly act: () => void;
  gone: boolean;
}

/** Both directions in order, each message with its time on the way. */
export class Connection {
  isOpen = true;
  readonly #gateway: Gateway;
  readonly #client: GatewayClient;
  readonly #time: GatewayTime;
  readonly #flights = { up: [] as InFlight[], down: [] as InFlight[] };
  readonly #arrivesMs = { up: 0, down: 0 };
  /** Nothing arrives before. */
  stalledUntilMs = 0;
  /** Changes of positions are told only then. */
  followsPositions = false;
  readonly openedMs: number;

  constructor(gateway: Gateway, client: GatewayClient, time: GatewayTime) {
    this.#gateway = gateway;
    this.#client = client;
    this.#time = time;
    this.openedMs = time.nowMs;
  }

  /** To the gateway. */
  up(act: () => void): void {
    if (this.isOpen) this.#fly('up', act, this.#time.between(1, 20));
  }

  /** To the client. */
  down(act: (client: GatewayClient) => void): void {
    if (!this.isOpen) return;
    const { slowMs } = this.#gateway;
    this.#fly('down', () => act(this.#client), this.#time.between(1, 20) + this.#time.between(0, slowMs));
  }

  /** Breaks: some of what is on the way to the gateway still arrives there, in its order; nothing comes back. */
  cut(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const { up, down } = this.#flights;
    const arriving = this.#time.between(0, up.length);
    for (const flight of [...up.slice(arriving), ...down]) flight.gone = true;
    this.#gateway.left(this);
  }

  /** As `cut`, and the client is told. */
  break(): void {
    if (!this.isOpen) return;
    this.cut();
    this.#time.after(this.#time.between(1, 50), () => this.#client.closed());
  }

  #fly(way: 'up' | 'down', act: () => void, ms: number): void {
    const flight: InFlight = { act, gone: false };
    const flights = this.#flights[way];
    flights.push(flight);
    const atMs = Math.max(this.#arrivesMs[way], this.#time.nowMs + ms, this.stalledUntilMs);
    this.#arrivesMs[way] = atMs;
    this.#time.after(atMs - this.#time.nowMs, () => {
      flights.splice(flights.indexOf(flight), 1);
      if (!flight.gone) flight.act();
    });
  }
}

export class Gateway {
  readonly broker: Broker;
  /** Every placeOrder that arrived, in order. */
  readonly placed: Placed[] = [];
  /** Order ids of our client of which an error was told. */
  readonly refused = new Set<number>();
  readonly instrument;
  /** The same future with a later expiry: nobody has a line for it. */
  readonly later;
  /** Of answers, beyond the way itself. */
  slowMs = 0;
  /** Share of what is told unasked that is never told. */
  lossShare = 0;
  isDown = false;
  /** It answers with whole lists of nothing until it has loaded the account. */
  unloaded: { readonly fromMs: number; readonly toMs: number } = { fromMs: 0, toMs: 0 };
  /** Questions for these lists do not come to their end: they are answered by nothing, in part, or the link breaks over them. */
  readonly unanswered = new Map<BrokerList, 'not' | 'in part' | 'broken'>();
  /** Whether the list of positions has those that are closed. */
  listsFlat = true;
  /** nextValidId is told too low by this. */
  rollback = 0;
  readonly #time: GatewayTime;
  #connection: Connection | undefined;
  #freeAtMs = 0;

  /** @param isThin a print fills no more than a quarter of its own size: orders fill part by part */
  constructor(time: GatewayTime, isThin = false) {
    this.#time = time;
    const row = this.#row(lastPrice, '9');
    const [contract] = deriveContracts([row]);
    this.instrument = { contract: { ...contract!, minTick: '0.1' }, last: row, halted: false };
    const later = this.#row(lastPrice, '9', laterSymbol);
    const [laterContract] = deriveContracts([later]);
    this.later = { contract: { ...laterContract!, minTick: '0.1' }, last: later, halted: false };
    const options = {
      accounts: [account],
      startCash: '1000000',
      fillShare: isThin ? 0.25 : ('all' as const),
      latencyMs: exchangeMs,
      commission: { perContract: '2.25', perShare: '0.005', shareMinimum: '1' },
      runId: 7,
    };
    this.broker = new Broker(options, (event) => this.#tell(event));
    this.broker.tapeMs = time.nowMs;
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Undefined where nobody answers, or the client's id is in use. */
  connect(client: GatewayClient): Connection | undefined {
    if (this.isDown || this.#connection !== undefined || this.#time.nowMs < this.#freeAtMs) return undefined;
    const connection = new Connection(this, client, this.#time);
    this.#connection = connection;
    connection.up(() => {
      const next = Math.max(1, this.broker.orders.highest(clientId) + 1 - this.rollback);
      connection.down((told) => told.ready(next));
      for (const order of this.broker.orders.open())
        this.#send(connection, [openFact(order), statusFact(order)]);
    });
    return connection;
  }

  /** It has the account now, and tells whoever has subscribed to it. */
  loaded(): void {
    this.#push(this.broker.portfolio.holdings().map(positionFact));
  }

  isUnloadedSince(ms: number): boolean {
    return this.unloaded.toMs > ms;
  }

  left(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#freeAtMs = this.#time.nowMs + this.#time.between(0, 500);
  }

  /** Ends: what only the gateway holds is gone. */
  restart(): void {
    this.broker.restart();
    this.#connection?.break();
  }

  /** A print that fills whatever takes its price. */
  print(price: string, size = '9'): void {
    this.advance();
    const row = this.#row(price, size);
    this.instrument.last = row;
    this.broker.onRow(row, this.#time.nowMs);
    this.later.last = this.#row(price, size, laterSymbol);
    this.broker.onRow(this.later.last, this.#time.nowMs);
  }

  /** The broker's own time goes with the run's. */
  advance(): void {
    this.broker.onAdvanced(this.#time.nowMs, false);
  }

  place({ orderId, order }: OrderToWrite): void {
    this.advance();
    const outcome = this.broker.place({
      account,
      clientId,
      orderId,
      instrument: this.instrument,
      exchange: '',
      parentId: order.parentId ?? 0,
      transmit: order.transmit ?? true,
      terms: termsOf(order),
    });
    const refused = 'code' in outcome ? outcome.code : 0;
    const { orderRef = '', transmit = true } = order;
    this.placed.push({ orderId, orderRef, transmit, refused });
    if ('code' in outcome) this.#error(orderId, outcome.code, outcome.text);
    this.#time.after(exchangeMs, () => this.advance());
  }

  cancel(orderId: number): void {
    this.advance();
    const order = this.broker.orders.find(clientId, orderId);
    const refusal = order === undefined ? { code: 10147, text: 'not found' } : this.broker.cancel(order);
    if (refusal !== undefined) this.#error(orderId, refusal.code, refusal.text);
    this.#time.after(exchangeMs, () => this.advance());
  }

  list(connection: Connection, list: BrokerList, reqId = 0): void {
    this.advance();
    if (list === 'positions') connection.followsPositions = true;
    const facts = this.#time.nowMs < this.unloaded.toMs ? [] : this.#listed(list);
    const how = this.unanswered.get(list);
    if (how === 'broken') {
      connection.break();
      return;
    }
    if (how === undefined) this.#send(connection, facts);
    if (how === 'in part') this.#send(connection, facts.slice(0, Math.floor(facts.length / 2)));
    if (how === undefined) connection.down((client) => client.listEnd(endOf(list, reqId)));
  }

  #listed(list: BrokerList): BrokerFact[] {
    const { orders, ledger, portfolio } = this.broker;
    switch (list) {
      case 'open-orders':
        return orders.open().flatMap((order) => {
          orders.raise(clientId, order.orderId);
          return [openFact(order), statusFact(order)];
        });
      case 'completed-orders':
        return orders.sent().flatMap((order) => (order.stage === 'done' ? [completedFact(order)] : []));
      case 'executions':
        return ledger.all.flatMap(executionFacts);
      case 'positions':
        return portfolio
          .holdings()
          .filter(({ position }) => this.listsFlat || !position.isZero())
          .map(positionFact);
      case 'account-values':
        return [
          { kind: 'account-value', account, key: 'NetLiquidation', value: '1000000', currency: 'USD' },
          ...this.#cash(),
        ];
    }
  }

  /** As IB does it every three minutes, and after each fill. */
  tellCash(): void {
    this.#push(this.#cash());
  }

  #cash(): BrokerFact[] {
    const { portfolio } = this.broker;
    return portfolio.cash(account).map(({ currency, amount }) => cashFact(currency, cents(amount)));
  }

  #send(connection: Connection, facts: readonly BrokerFact[]): void {
    for (const fact of facts) connection.down((client) => client.fact(fact));
  }

  /** Unasked, to whoever is there. */
  #tell(event: BrokerEvent): void {
    const told: BrokerFact[] = [];
    if (event.kind === 'position') {
      const holding = this.broker.portfolio
        .holdings(account)
        .find(({ instrument }) => instrument === event.instrument);
      if (holding !== undefined) told.push(positionFact(holding), ...this.#cash());
    } else if (event.kind === 'error') {
      // Only whoever placed it is told of its errors.
      if (event.order.clientId === clientId) this.#error(event.order.orderId, event.code, event.text);
    } else {
      if (event.kind === 'fill' || event.kind === 'correction') told.push(...executionFacts(event.execution));
      if (event.kind !== 'status') told.push(openFact(event.order));
      told.push(statusFact(event.order));
    }
    this.#push(told);
  }

  #error(orderId: number, code: number, message: string): void {
    this.refused.add(orderId);
    this.#push([{ kind: 'order-error', orderId, clientId, code, message }]);
  }

  #push(facts: readonly BrokerFact[]): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    for (const fact of facts) {
      if (fact.kind === 'position' && !connection.followsPositions) continue;
      if (!this.#time.chance(this.lossShare)) this.#send(connection, [fact]);
    }
  }

  #row(price: string, size: string, symbol = 'GCG6'): TapeRow {
    return { timeMs: this.#time.nowMs, symbol, price, size, kind: 'trade', line: 2 };
  }
}

function cashFact(currency: string, value: string): BrokerFact {
  return { kind: 'account-value', account, key: 'TotalCashBalance', value, currency };
}

function endOf(list: BrokerList, reqId: number): ListEnd {
  if (list === 'executions') return { list, reqId };
  return list === 'account-values' ? { list, account } : { list };
}

function termsOf(order: Order): OrderTerms {
  return {
    ...marketTerms,
    action: order.action as OrderTerms['action'],
    quantity: String(order.totalQuantity),
    orderType: order.orderType as OrderTerms['orderType'],
    limitPrice: order.lmtPrice === undefined ? '' : String(order.lmtPrice),
    auxPrice: order.auxPrice === undefined ? '' : String(order.auxPrice),
    timeInForce: order.tif as OrderTerms['timeInForce'],
    outsideRth: order.outsideRth ?? false,
    ocaGroup: order.ocaGroup ?? '',
    ocaType: order.ocaType ?? 0,
    orderRef: order.orderRef ?? '',
  };
}
