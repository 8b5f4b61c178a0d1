import type { EventData } from '../lib/events/catalogue.ts';
import type { Envelope } from '../lib/events/envelope.ts';
import {
  commissionEvent,
  eventOf,
  fillEvent,
  orderEvent,
  positionEvent,
  type Told,
} from '../test/helpers/book-events.ts';

/**
 * What a streamer would tell of an account that trades: orders on many instruments at the same time, of several kinds,
 * changed, filled in pieces, paid for, some cancelled or rejected. Ids, prices, sizes and times are as varied as the
 * broker's, because how well a book compresses depends on nothing else. The same seed gives the same days.
 */
export interface ToldAt {
  readonly atMs: number;
  readonly event: Envelope;
}

type Terms = EventData<'order.placed'>['terms'];
type Contract = EventData<'fill.received'>['contract'];
type Say = (told: Told) => Envelope;
type OrderStep = Extract<Envelope['type'], `order.${string}`>;

interface Instrument {
  readonly contract: Contract;
  readonly price: number;
  readonly decimals: number;
}

const dayMs = 86_400_000;
const sessionMs = 6.5 * 3_600_000;
const opensMs = Date.UTC(2026, 0, 5, 14, 30);
const instrumentsOfAccount = 60;
const strategies = ['breakout', 'carry', 'pairs', 'rebalance', 'hedge'];
const noTerms = {
  stopPrice: null,
  trailingPercent: null,
  trailStopPrice: null,
  timeInForce: 'DAY',
  goodTillDate: '',
  outsideRth: false,
  ocaGroup: '',
  ocaType: 0,
  parentId: 0,
  parentKey: null,
} as const;

export class TradingAccount {
  readonly #account: string;
  readonly #random: Random;
  readonly #instruments: readonly Instrument[];
  readonly #nextIds = new Map<number, number>();
  readonly #positions = new Map<Instrument, number>();
  #seq = 0;

  constructor(account: string, seed: number) {
    this.#account = account;
    this.#random = new Random(seed);
    this.#instruments = Array.from({ length: instrumentsOfAccount }, () => instrumentOf(this.#random));
  }

  /** Everything of one day in the order in which it was told; each order ends on its day. */
  day(index: number, orders: number): ToldAt[] {
    const fromMs = opensMs + index * dayMs;
    const said: { readonly atMs: number; readonly say: Say }[] = [];
    for (let order = 0; order < orders; order += 1) said.push(...this.#order(fromMs));
    return said
      .sort((a, b) => a.atMs - b.atMs)
      .map(({ atMs, say }) => {
        this.#seq += 1;
        return { atMs, event: say({ account: this.#account, seq: this.#seq }) };
      });
  }

  #order(fromMs: number) {
    const random = this.#random;
    const instrument = random.of(this.#instruments);
    const { contract } = instrument;
    const price = (): string =>
      decimal(instrument.price * (0.97 + 0.06 * random.next()), instrument.decimals);
    const permId = 1_000_000_000 + random.below(1_147_000_000);
    const clientId = 1 + random.below(6);
    const orderId = (this.#nextIds.get(clientId) ?? 0) + 1;
    this.#nextIds.set(clientId, orderId);
    const own = { clientId, orderId, orderRef: `${random.of(strategies)}-${random.text(12)}`, contract };
    const size = 1 + random.below(contract.secType === 'STK' ? 900 : 20);
    const side = random.of(['BUY', 'SELL'] as const);
    let terms = termsOf(random, { action: side, quantity: String(size) }, price);
    let atMs = fromMs + random.below(sessionMs);
    const said: { atMs: number; say: Say }[] = [];
    const say = (what: Say): void => {
      said.push({ atMs, say: what });
      atMs += 3 + random.below(random.chance(0.3) ? 90_000 : 400);
    };
    const tell = (step: OrderStep, status: string, more: Partial<EventData<'order.placed'>> = {}): void => {
      const at = { ...own, terms, status: status as 'Submitted', brokerStatus: status, ...more };
      say((told) => orderEvent(step, permId, at, told));
    };
    tell('order.placed', 'PreSubmitted');
    if (random.chance(0.04)) {
      const reason = { code: 201, message: 'Order rejected - reason: margin' };
      tell('order.rejected', 'Rejected', { brokerStatus: 'Inactive', reason });
      return said;
    }
    tell('order.changed', 'Submitted');
    while (terms.limitPrice !== null && random.chance(0.25)) {
      terms = { ...terms, limitPrice: price() };
      tell('order.changed', 'Submitted');
    }
    if (random.chance(0.15)) {
      tell('order.cancelled', 'Cancelled', { reason: { code: 202, message: 'Order Canceled - reason:' } });
      return said;
    }
    let filled = 0;
    let paid = 0;
    const execGroup = random.hex(8);
    for (let piece = 1; filled < size; piece += 1) {
      const left = size - filled;
      const quantity = piece === 3 || random.chance(0.6) ? left : 1 + random.below(left);
      const at = price();
      filled += quantity;
      paid += quantity * Number(at);
      const averagePrice = decimal(paid / filled, 8);
      const execBase = `0000${execGroup.slice(0, 4)}.${random.hex(8)}.${String(piece).padStart(2, '0')}`;
      const fill = {
        ...own,
        execBase,
        revision: 1,
        side,
        quantity: String(quantity),
        price: at,
        timeMs: Math.floor(atMs / 1_000) * 1_000,
        exchange: random.of([contract.exchange, 'ARCA', 'IEX', 'DRCTEDGE']),
        liquidity: 1 + random.below(2),
        cumulativeQuantity: String(filled),
        averagePrice,
      };
      const cost = decimal(0.35 + quantity * (0.8 + random.next()), 4);
      say((told) => fillEvent(permId, fill, told));
      const reported = { reportedFilled: String(filled), reportedAveragePrice: averagePrice };
      if (filled < size) tell('order.changed', 'Submitted', reported);
      else tell('order.filled', 'Filled', reported);
      say((told) => commissionEvent(`P${permId}`, execBase, 1, cost, told));
    }
    const position = (this.#positions.get(instrument) ?? 0) + (side === 'BUY' ? size : -size);
    this.#positions.set(instrument, position);
    say((told) => positionEventOf(contract, position, instrument.price * (1 + random.next() / 100), told));
    return said;
  }
}

function positionEventOf(contract: Contract, position: number, price: number, told: Told): Envelope {
  const averagePrice = decimal(price, 8);
  const averageCost = decimal(price * Number(contract.multiplier), 6);
  const { type, data } = positionEvent(contract.conId, String(position), told);
  return eventOf(type as 'position.changed', { ...data, contract, averagePrice, averageCost } as never, told);
}

/** As the events write numbers: no zeros at the end. */
function decimal(value: number, places: number): string {
  return String(Number(value.toFixed(places)));
}

function instrumentOf(random: Random): Instrument {
  const symbol = random.letters(1 + random.below(4));
  const kind = random.of(['STK', 'STK', 'FUT', 'OPT'] as const);
  const conId = 1_000_000 + random.below(700_000_000);
  const common = { conId, symbol, secType: kind, currency: random.of(['USD', 'USD', 'EUR']) };
  const plain = { multiplier: '1', lastTradeDate: '', strike: '0', right: '', localSymbol: symbol };
  const price = 5 + random.next() ** 3 * 4_000;
  const made = (more: Partial<Contract>, decimals: number): Instrument => ({
    contract: { ...common, ...plain, tradingClass: symbol, exchange: 'SMART', ...more } as Contract,
    price,
    decimals,
  });
  if (kind === 'STK') return made({ tradingClass: random.of(['NMS', symbol]) }, 2);
  if (kind === 'FUT') {
    const month = random.of(['H6', 'M6', 'U6', 'Z6']);
    return made(
      {
        exchange: random.of(['CME', 'COMEX', 'NYMEX']),
        multiplier: random.of(['50', '100', '1000']),
        lastTradeDate: `2026${random.of(['0320', '0618', '0918', '1218'])}`,
        localSymbol: `${symbol}${month}`,
      },
      1 + random.below(3),
    );
  }
  const strike = String(Math.round(price));
  const right = random.of(['C', 'P']);
  const lastTradeDate = `2026${random.of(['0220', '0320', '0417'])}`;
  const localSymbol = `${symbol.padEnd(6)}${lastTradeDate.slice(2)}${right}${strike.padStart(5, '0')}000`;
  return made({ multiplier: '100', lastTradeDate, strike, right, localSymbol }, 2);
}

function termsOf(
  random: Random,
  common: { readonly action: 'BUY' | 'SELL'; readonly quantity: string },
  price: () => string,
): Terms {
  const kind = random.of(['LMT', 'LMT', 'LMT', 'MKT', 'STP', 'STP LMT']);
  const oca = random.chance(0.2) ? { ocaGroup: `oca_${random.text(8)}`, ocaType: 1 } : {};
  return {
    ...noTerms,
    ...common,
    ...oca,
    orderType: kind,
    limitPrice: kind.endsWith('LMT') ? price() : null,
    stopPrice: kind.startsWith('STP') ? price() : null,
  };
}

class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed + 1, 0x9e3779b1);
  }

  /** 0..1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let value = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  hex(digits: number): string {
    return this.#digits(digits, 16);
  }

  text(length: number): string {
    return this.#digits(length, 36);
  }

  letters(length: number): string {
    return Array.from({ length }, () => String.fromCharCode(65 + this.below(26))).join('');
  }

  #digits(count: number, radix: number): string {
    return Array.from({ length: count }, () => this.below(radix).toString(radix)).join('');
  }
}
