/** A broker of the simulated gateway without a gateway: a tape that is written as the test goes, and what it told. */
import { Broker } from '../../sandbox/gateway/broker/broker.ts';
import { marketTerms } from '../../sandbox/gateway/broker/order-terms.ts';
import { type BrokerRecord, recordOf } from '../../sandbox/gateway/broker/record.ts';
import type {
  BrokerEvent,
  BrokerOptions,
  BrokerOrder,
  OrderTerms,
  PlaceRequest,
  Refusal,
} from '../../sandbox/gateway/broker/types.ts';
import { deriveContracts, type TapeContract } from '../../sandbox/tapes/contracts.ts';
import type { TapeRow } from '../../sandbox/tapes/tape.ts';

export const brokerStartMs = Date.parse('2026-01-05T15:00:00Z');

export class BrokerDesk {
  readonly events: BrokerEvent[] = [];
  readonly broker: Broker;
  readonly instrument: { contract: TapeContract; last?: TapeRow; halted: boolean };
  nowMs = brokerStartMs;
  #nextId = 1;

  constructor(symbol = 'GCG6', options: Partial<BrokerOptions> = {}, contract: Partial<TapeContract> = {}) {
    const [derived] = deriveContracts([this.#row(symbol, '2700.1', '1')]);
    this.instrument = { contract: { ...derived!, minTick: '0.1', ...contract }, halted: false };
    this.broker = new Broker(
      {
        accounts: ['DU1', 'DU2'],
        startCash: '1000000',
        fillShare: 1,
        latencyMs: 0,
        commission: { perContract: '2.25', perShare: '0.005', shareMinimum: '1' },
        runId: 7,
        ...options,
      },
      (event) => this.events.push(event),
    );
    this.broker.tapeMs = this.nowMs;
  }

  /** Plays a print one second later. */
  print(price: string, size = '1'): void {
    this.play({ ...this.#row(this.instrument.contract.localSymbol, price, size) });
  }

  quote(bid: string, ask: string, bidSize: string, askSize: string): void {
    const row = this.#row(this.instrument.contract.localSymbol, '', '');
    this.play({ ...row, kind: 'quote', bid, ask, bidSize, askSize });
  }

  play(row: TapeRow): void {
    this.nowMs += 1_000;
    if (row.kind === 'trade') this.instrument.last = row;
    if (row.kind === 'halt' || row.kind === 'resume') this.instrument.halted = row.kind === 'halt';
    this.broker.onRow({ ...row, timeMs: this.nowMs }, this.nowMs);
  }

  wait(ms: number, ended = false): void {
    this.nowMs += ms;
    this.broker.onAdvanced(this.nowMs, ended);
  }

  /** Places an order; what is not said is a market order to buy one. */
  try(terms: Partial<OrderTerms> = {}, request: Partial<PlaceRequest> = {}): BrokerOrder | Refusal {
    const orderId = request.orderId ?? this.#nextId;
    this.#nextId = Math.max(this.#nextId, orderId + 1);
    return this.broker.place({
      account: 'DU1',
      clientId: 7,
      orderId,
      instrument: this.instrument,
      exchange: '',
      parentId: 0,
      transmit: true,
      terms: { ...marketTerms, quantity: '1', ...terms },
      ...request,
    });
  }

  place(terms: Partial<OrderTerms> = {}, request: Partial<PlaceRequest> = {}): BrokerOrder {
    const placed = this.try(terms, request);
    if ('code' in placed) throw new Error(`refused: ${placed.code} ${placed.text}`);
    return placed;
  }

  /** What was told of an order, in short: `order Submitted`, `fill 2@2700.1 Filled`, `error 202`. */
  told(order: BrokerOrder): string[] {
    return this.events.flatMap((event) => {
      if (event.kind === 'position' || event.order.orderId !== order.orderId) return [];
      if (event.kind === 'error') return [`error ${event.code}`];
      if (event.kind === 'order' || event.kind === 'status') return [`${event.kind} ${event.order.status}`];
      const { quantity, price } = event.execution;
      return [`${event.kind} ${quantity.toFixed()}@${price.toFixed()} ${event.order.status}`];
    });
  }

  get record(): BrokerRecord {
    return recordOf(this.broker);
  }

  #row(symbol: string, price: string, size: string): TapeRow {
    return { timeMs: this.nowMs, symbol, price, size, kind: 'trade', line: 2 };
  }
}
