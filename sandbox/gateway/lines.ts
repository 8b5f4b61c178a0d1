/** Subscriptions: what one client is sent for one request as the tape plays. */
import type { TapeRow } from '../tapes/tape.ts';
import {
  tickByTickBidAsk,
  tickByTickLast,
  tickByTickMidPoint,
  tickGeneric,
  tickPrice,
  tickSize,
  tickString,
} from './encode-market.ts';
import type { InstrumentState } from './instrument-state.ts';
import { decimalText, scaled } from './scaled.ts';
import type { Session } from './session.ts';

export type LineKind = 'market' | 'tick-by-tick' | 'real-time-bars' | 'historical';

export interface Line {
  readonly kind: LineKind;
  readonly session: Session;
  readonly id: number;
  readonly state: InstrumentState;
  /** A played row; the state already includes it. */
  onRow(row: TapeRow): void;
  /** The tape's time has moved on, after all rows up to it. */
  onAdvanced(tapeMs: number): void;
}

/** Tick types live and delayed (tws-wire section 4). */
const sides = [
  'bidSize',
  'bid',
  'ask',
  'askSize',
  'last',
  'lastSize',
  'high',
  'low',
  'volume',
  'open',
] as const;
type TickTypes = Readonly<Record<(typeof sides)[number], number>>;
const tickTypes = (numbers: readonly number[]) =>
  Object.fromEntries(sides.map((side, index) => [side, numbers[index]])) as TickTypes;
const live = tickTypes([0, 1, 2, 3, 4, 5, 6, 7, 8, 14]);
const delayed = tickTypes([69, 66, 67, 70, 68, 71, 72, 73, 74, 76]);
const rtVolumeType = 48;
const haltedType = 49;
const delayedTimestampType = 88;

/** A market data line of reqMktData. */
export class MarketLine implements Line {
  readonly kind = 'market';
  readonly session: Session;
  readonly id: number;
  readonly state: InstrumentState;
  readonly #types: TickTypes;
  readonly #rtVolume: boolean;
  readonly #delayed: boolean;

  constructor(
    session: Session,
    id: number,
    state: InstrumentState,
    how: { rtVolume: boolean; delayed: boolean },
  ) {
    this.session = session;
    this.id = id;
    this.state = state;
    this.#delayed = how.delayed;
    this.#types = how.delayed ? delayed : live;
    this.#rtVolume = how.rtVolume && !how.delayed;
  }

  /** What is known at the time of subscribing: the last trade comes once more, with the same cumulative volume. */
  sendKnown(): void {
    const { session, id, state } = this;
    if (state.bid !== undefined || state.ask !== undefined) this.#sendQuote();
    if (state.last !== undefined) {
      const types = this.#types;
      this.#price(types.high, state.high!, '0');
      this.#price(types.low, state.low!, '0');
      this.#price(types.open, state.open!, '0');
      this.#sendTrade(state.last);
    }
    if (state.haltKnown) session.send(tickGeneric({ id, type: haltedType, value: state.halted ? '1' : '0' }));
  }

  onRow(row: TapeRow): void {
    if (row.kind === 'trade') this.#sendTrade(row);
    else if (row.kind !== 'quote') {
      const value = row.kind === 'halt' ? '1' : '0';
      this.session.send(tickGeneric({ id: this.id, type: haltedType, value }));
    }
    if (row.bid !== undefined || row.ask !== undefined) this.#sendQuote(row);
  }

  onAdvanced(): void {}

  #sendTrade(row: TapeRow): void {
    const { session, id, state } = this;
    const types = this.#types;
    session.send(tickPrice({ id, type: types.last, price: row.price, size: row.size, mask: 0 }));
    session.send(tickSize({ id, type: types.lastSize, size: row.size }));
    if (this.#rtVolume) {
      session.send(tickString({ id, type: rtVolumeType, value: state.rtVolume(session.serverVersion) }));
    }
    session.send(tickSize({ id, type: types.volume, size: state.volume }));
    if (this.#delayed) {
      const value = String(Math.floor(row.timeMs / 1_000));
      session.send(tickString({ id, type: delayedTimestampType, value }));
    }
  }

  /** Sends the sides that the row has; both known sides when there is no row. */
  #sendQuote(row?: TapeRow): void {
    const { bid, ask, bidSize, askSize } = this.state;
    const types = this.#types;
    if (bid !== undefined && (row === undefined || row.bid !== undefined)) {
      this.#price(types.bid, bid, bidSize);
      this.session.send(tickSize({ id: this.id, type: types.bidSize, size: bidSize }));
    }
    if (ask !== undefined && (row === undefined || row.ask !== undefined)) {
      this.#price(types.ask, ask, askSize);
      this.session.send(tickSize({ id: this.id, type: types.askSize, size: askSize }));
    }
  }

  #price(type: number, price: string, size: string): void {
    this.session.send(tickPrice({ id: this.id, type, price, size, mask: 0 }));
  }
}

export type TickByTickType = 'Last' | 'AllLast' | 'BidAsk' | 'MidPoint';

export class TickByTickLine implements Line {
  readonly kind = 'tick-by-tick';
  readonly session: Session;
  readonly id: number;
  readonly state: InstrumentState;
  readonly #type: TickByTickType;

  constructor(session: Session, id: number, state: InstrumentState, type: TickByTickType) {
    this.session = session;
    this.id = id;
    this.state = state;
    this.#type = type;
  }

  onRow(row: TapeRow): void {
    const { session, id, state } = this;
    const timeSeconds = Math.floor(row.timeMs / 1_000);
    if (this.#type === 'Last' || this.#type === 'AllLast') {
      if (row.kind !== 'trade') return;
      const type = this.#type === 'Last' ? 1 : 2;
      const { exchange } = state.contract;
      const { price, size } = row;
      session.send(tickByTickLast({ id, type, timeSeconds, price, size, mask: 0, exchange, conditions: '' }));
      return;
    }
    const { bid, ask, bidSize, askSize } = state;
    if ((row.bid === undefined && row.ask === undefined) || bid === undefined || ask === undefined) return;
    if (this.#type === 'BidAsk') {
      session.send(tickByTickBidAsk({ id, timeSeconds, bid, ask, bidSize, askSize, mask: 0 }));
    } else {
      const decimals = Math.max(bid.split('.')[1]?.length ?? 0, ask.split('.')[1]?.length ?? 0);
      const sum = scaled(bid, decimals) + scaled(ask, decimals);
      session.send(tickByTickMidPoint({ id, timeSeconds, midPoint: decimalText(sum * 5n, decimals + 1) }));
    }
  }

  onAdvanced(): void {}
}
