/**
 * The market of a run: prints of one future, drawn from the seed. It keeps what it printed, so that the bars of every
 * minute can be computed apart from the product, and answers the questions for market data that a gateway answers.
 */
import type { Contract, ContractDetails } from '@stoqey/ib';
import { Decimal } from 'decimal.js';
import type { LinkListener } from '../../../streamer/broker-link-types.ts';
import type { Connection, Gateway } from '../../helpers/exactly-once-gateway.ts';
import type { SimulatedTime } from './time.ts';

const tick = 0.1;
const minuteMs = 60_000;
/** As IB has them for metals, around the first Monday of 2026. */
const tradingHours = '20260104:1800-20260105:1700;20260105:1800-20260106:1700;20260106:1800-20260107:1700';
/** IB's tick type of RTVolume. */
const rtVolumeType = 48;
const lastPriceType = 4;

export interface Print {
  readonly timeMs: number;
  readonly price: string;
  readonly size: number;
  /** Cumulative volume of the session, this print included. */
  readonly volume: number;
}

interface Subscription {
  readonly connection: Connection;
  readonly listener: LinkListener;
  readonly reqId: number;
}

export class Market {
  readonly prints: Print[] = [];
  /** Nothing trades: the line is silent. */
  isQuiet = false;
  /** Prints are on their way, but subscribers are not told: a farm that is down. */
  isDark = false;
  /** Shares of the prints that arrive behind later ones, and that arrive twice. */
  lateShare = 0;
  /** Some of them do at all times. */
  isUntidy = false;
  twiceShare = 0;
  readonly #time: SimulatedTime;
  readonly #gateway: Gateway;
  #subscriptions: Subscription[] = [];
  #ticks: number;
  #volume = 1_000;
  #isOver = false;

  constructor(time: SimulatedTime, gateway: Gateway) {
    this.#time = time;
    this.#gateway = gateway;
    this.#ticks = Math.round(Number(gateway.instrument.last.price) / tick);
  }

  get details(): ContractDetails {
    const { contract } = this.#gateway.instrument;
    return {
      contract: {
        conId: contract.conId,
        symbol: contract.symbol,
        localSymbol: contract.localSymbol,
        secType: contract.secType,
        exchange: contract.exchange,
        currency: contract.currency,
        multiplier: Number(contract.multiplier),
        lastTradeDateOrContractMonth: contract.expiry ?? '',
      },
      minTick: tick,
      timeZoneId: 'US/Eastern',
      tradingHours,
      liquidHours: tradingHours,
    } as ContractDetails;
  }

  /** Prints go on until `end`. */
  begin(): void {
    this.#time.after(this.#time.between(200, 6_000), () => {
      if (this.#isOver) return;
      if (!this.isQuiet) this.#print();
      this.begin();
    });
  }

  end(): void {
    this.#isOver = true;
  }

  /** Moves the price at once, as news do. */
  jump(ticks: number): void {
    this.#ticks += ticks;
    this.#print();
  }

  subscribe(connection: Connection, listener: LinkListener, reqId: number, contract: Contract): void {
    if (contract.conId !== this.#gateway.instrument.contract.conId) {
      connection.down(() => listener.requestError(reqId, 200, 'No security definition has been found'));
      return;
    }
    this.#subscriptions.push({ connection, listener, reqId });
    connection.down(() => listener.marketDataType(reqId, 1));
    connection.down(() => listener.tickReqParams(reqId));
    const last = this.prints.at(-1);
    if (last !== undefined)
      connection.down(() => listener.tickPrice(reqId, lastPriceType, Number(last.price)));
  }

  unsubscribe(connection: Connection, reqId: number): void {
    this.#subscriptions = this.#subscriptions.filter(
      (one) => one.connection !== connection || one.reqId !== reqId,
    );
  }

  /** One-minute bars that begin in [fromMs, toMs), as the historical farm has them. */
  history(connection: Connection, listener: LinkListener, reqId: number, fromMs: number, toMs: number): void {
    if (this.isDark) {
      connection.down(() =>
        listener.requestError(reqId, 162, 'Historical Market Data Service error message:HMDS is down'),
      );
      return;
    }
    // A bar that is not over is told as far as it goes.
    for (const bar of this.bars(fromMs, toMs)) {
      connection.down(() =>
        listener.historicalBar(reqId, {
          startSeconds: bar.startMs / 1_000,
          open: Number(bar.open),
          high: Number(bar.high),
          low: Number(bar.low),
          close: Number(bar.close),
          volume: bar.volume,
          count: bar.count,
        }),
      );
    }
    connection.down(() => listener.historicalEnd(reqId));
  }

  /** By the plainest means: shares no code with the product. */
  bars(fromMs: number, toMs: number): readonly ReferenceBar[] {
    const byMinute = Map.groupBy(this.prints, ({ timeMs }) => Math.floor(timeMs / minuteMs) * minuteMs);
    return [...byMinute]
      .filter(([startMs]) => startMs >= fromMs && startMs < toMs)
      .toSorted(([a], [b]) => a - b)
      .map(([startMs, prints]) => {
        const prices = prints.map(({ price }) => new Decimal(price));
        return {
          startMs,
          open: prices[0]!.toFixed(),
          high: Decimal.max(...prices).toFixed(),
          low: Decimal.min(...prices).toFixed(),
          close: prices.at(-1)!.toFixed(),
          volume: prints.reduce((sum, { size }) => sum + size, 0),
          count: prints.length,
        };
      });
  }

  #print(): void {
    const { nowMs } = this.#time;
    this.#ticks += this.#time.between(-3, 3);
    const size = this.#time.between(1, 5);
    this.#volume += size;
    const price = new Decimal(this.#ticks).times(tick).toFixed();
    const print = { timeMs: nowMs, price, size, volume: this.#volume };
    this.prints.push(print);
    this.#gateway.print(price, String(size));
    if (this.isDark) return;
    this.#subscriptions = this.#subscriptions.filter(({ connection }) => connection.isOpen);
    const text = `${price};${size};${nowMs};${this.#volume};${price};true`;
    const usual = this.isUntidy ? 0.1 : 0;
    const lateMs = this.#time.chance(Math.max(this.lateShare, usual)) ? this.#time.between(1_000, 15_000) : 0;
    const times = this.#time.chance(Math.max(this.twiceShare, usual)) ? 2 : 1;
    // To whoever was there when it happened: nobody is told of prints from before.
    const there = [...this.#subscriptions];
    const tell = (): void => {
      for (const { connection, listener, reqId } of there)
        for (let n = 0; n < times; n += 1)
          connection.down(() => listener.tickString(reqId, rtVolumeType, text));
    };
    if (lateMs === 0) tell();
    else this.#time.after(lateMs, tell);
  }
}

export interface ReferenceBar {
  readonly startMs: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: number;
  readonly count: number;
}
