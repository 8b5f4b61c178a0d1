import type { ContractDetails } from '@stoqey/ib';
import type { Config, StreamerConfig } from '../config/schema.ts';
import { builderStats, type HistoricalBar } from '../lib/domain/market/candle-builder.ts';
import { formatPrice } from '../lib/domain/market/fixed.ts';
import type { Instrument } from '../lib/domain/market/instrument.ts';
import { observeBroker } from '../lib/domain/market/market-clock.ts';
import { CandleEvents } from './candle-events.ts';
import { Coverage } from './coverage.ts';
import type { Line } from './line.ts';
import { LineBook } from './line-book.ts';
import { LineContracts } from './line-contracts.ts';
import { LineSubscriptions } from './line-subscriptions.ts';
import type { MarketDataHost } from './market-data-host.ts';
import { Staleness } from './staleness.ts';
import type { TickBuffer } from './tick-buffer.ts';
import { TickIntake } from './tick-intake.ts';

export type { MarketDataHost };

/** The market data lines: contracts, subscriptions, ticks into candles, and what each feed's state is. */
export class MarketData {
  readonly #host: MarketDataHost;
  readonly #book: LineBook;
  readonly #candles: CandleEvents;
  readonly #coverage: Coverage;
  readonly #intake: TickIntake;
  readonly #subscriptions: LineSubscriptions;
  readonly #contracts: LineContracts;
  readonly #staleness: Staleness;
  #ended = false;

  constructor(host: MarketDataHost, config: Config, streamer: StreamerConfig) {
    const book = new LineBook(streamer.symbols);
    const candles = new CandleEvents(host, book.all);
    const coverage = new Coverage(host, config, streamer, book.all, candles);
    const intake = new TickIntake(host, config, book, candles, coverage);
    const { buffer } = intake;
    const subscriptions = new LineSubscriptions(host, config, streamer, book, coverage, buffer);
    this.#host = host;
    this.#book = book;
    this.#candles = candles;
    this.#coverage = coverage;
    this.#intake = intake;
    this.#subscriptions = subscriptions;
    this.#contracts = new LineContracts(host, config, { book, candles, coverage, subscriptions, buffer });
    this.#staleness = new Staleness(host, config, book.all, coverage, subscriptions);
  }

  get buffer(): TickBuffer {
    return this.#intake.buffer;
  }

  get lines(): readonly Line[] {
    return this.#book.all;
  }

  /** Market time at which the next bar closes, Infinity when none is open. */
  get nextCloseMs(): number {
    return this.#candles.nextCloseMs;
  }

  /** True while a line waits for the broker's time to prove that its prints are complete. */
  get awaitsCoverage(): boolean {
    return this.#coverage.awaited;
  }

  /** Asks for every subscription, with fresh request ids; contracts first where they are not known yet. */
  subscribeAll(): void {
    this.#subscriptions.requestType();
    for (const line of this.lines) {
      this.#subscriptions.forget(line, true);
      if (line.instrument) this.#subscriptions.subscribe(line);
      // Asked again on every connection: trading hours cover about a week, and the front month rolls.
      this.#contracts.resolve(line);
    }
    this.#host.askTime();
  }

  /** From now on prints may be missing, until each line's coverage is proven again. */
  coverageLost(reason: string, linkGone: boolean): void {
    this.buffer.drain();
    for (const line of this.lines) {
      if (linkGone) this.#subscriptions.forget(line, false);
      if (line.covered) this.#coverage.lose(line, reason, reason);
    }
  }

  /** The broker's time, whole seconds. It comes behind every tick sent before it, and so proves them complete. */
  onTime(seconds: number): void {
    this.buffer.drain();
    // Ticks that cannot be taken in yet must not be overtaken by the clock that closes their bars.
    if (this.buffer.paused) return;
    observeBroker(this.#host.clock, seconds, this.#host.systemMs());
    this.#coverage.prove(seconds);
    this.#candles.closeDue();
    this.#staleness.watch();
    const nowMs = this.#host.systemMs();
    for (const line of this.lines) {
      this.#contracts.retry(line, nowMs);
      this.#subscriptions.retry(line, nowMs);
    }
  }

  onContract(reqId: number, details: ContractDetails): boolean {
    const line = this.#book.ofQuery(reqId);
    line?.found.push(details);
    return line !== undefined;
  }

  onContractEnd(reqId: number): void {
    this.#contracts.onEnd(reqId);
  }

  /** An error for one of our requests; false when the request is not of market data. */
  onRequestError(reqId: number, code: number, message: string): boolean {
    return this.#contracts.onError(reqId, code, message) || this.#subscriptions.onError(reqId, code, message);
  }

  onMarketDataType(reqId: number, type: number): void {
    this.#subscriptions.onMarketDataType(reqId, type);
  }

  onTickReqParams(reqId: number): void {
    this.#subscriptions.onTickReqParams(reqId);
  }

  onTickString(reqId: number, type: number, value: string): void {
    this.#intake.onTickString(reqId, type, value);
  }

  onTickPrice(reqId: number, type: number, price: number): void {
    this.#intake.onTickPrice(reqId, type, price);
  }

  onTickSize(reqId: number, type: number, size: number): void {
    this.#intake.onTickSize(reqId, type, size);
  }

  onTickGeneric(reqId: number, type: number, value: number): void {
    this.#intake.onTickGeneric(reqId, type, value);
  }

  onTickByTick(reqId: number, seconds: number, price: number, size: number): void {
    this.#intake.onTickByTick(reqId, seconds, price, size);
  }

  /** Historical bars for the builder of `conId`. */
  backfill(conId: number, fromMs: number, toMs: number, bars: readonly HistoricalBar[]): void {
    const line = this.#book.ofInstrument(conId);
    if (line) this.#candles.step(line, { kind: 'backfill', fromMs, toMs, bars });
  }

  lineOf(conId: number): Line | undefined {
    return this.#book.ofInstrument(conId);
  }

  instrument(conId: number): Instrument | undefined {
    return this.#book.ofInstrument(conId)?.instrument;
  }

  sizeDecimals(conId: number): number {
    return this.#book.ofInstrument(conId)?.sizeDecimals ?? 4;
  }

  /** Bars up to here are accounted for, by instrument; lines without coverage keep their old mark. */
  closedThrough(): Map<number, number> {
    return this.#coverage.closedThrough();
  }

  /** Last act: what waits goes into its bars, and open bars leave as partial. */
  shutdown(): void {
    if (this.#ended) return;
    this.buffer.resume();
    this.buffer.drain();
    this.#ended = true;
    for (const line of this.lines) this.#candles.step(line, { kind: 'shutdown' });
  }

  stats() {
    const { nextCloseMs } = this;
    return {
      buffer: this.buffer.stats(),
      malformedTicks: this.#intake.malformed,
      /** Market time at which the next bar closes; null when none is open. */
      nextCloseMs: nextCloseMs === Number.POSITIVE_INFINITY ? null : nextCloseMs,
      lines: this.lines.map(lineStats),
    };
  }
}

function lineStats(line: Line) {
  return {
    symbol: line.name,
    conId: line.instrument?.conId ?? 0,
    localSymbol: line.instrument?.localSymbol ?? '',
    feed: line.feed,
    covered: line.covered,
    trades: line.trades,
    quotes: line.quotes,
    candles: line.candles,
    lastPrice: Number.isNaN(line.lastPrice) ? null : formatPrice(line.lastPrice),
    bid: Number.isNaN(line.bid) ? null : line.bid,
    ask: Number.isNaN(line.ask) ? null : line.ask,
    lastTickMs: line.lastTickMs,
    recent: line.recent,
    builder: line.builder ? builderStats(line.builder) : null,
  };
}
