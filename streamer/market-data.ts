import type { ContractDetails } from '@stoqey/ib';
import type { Config, StreamerConfig } from '../config/schema.ts';
import {
  type BuilderEffect,
  deadline as builderDeadline,
  builderStats,
  createBuilder,
  type HistoricalBar,
  step as stepBuilder,
} from '../lib/domain/market/candle-builder.ts';
import { formatPrice, formatSize, fromNumber, sizeDecimalsFor } from '../lib/domain/market/fixed.ts';
import type { Instrument } from '../lib/domain/market/instrument.ts';
import {
  estimate,
  type MarketClock,
  observeBroker,
  observeEvent,
} from '../lib/domain/market/market-clock.ts';
import { createRtVolume, parseRtVolume } from '../lib/domain/market/rtvolume.ts';
import { createCalendar } from '../lib/domain/market/sessions.ts';
import { Tick8Volume } from '../lib/domain/market/tick8-volume.ts';
import type { EventData, EventName } from '../lib/events/catalogue.ts';
import type { BrokerLink } from './broker-link.ts';
import { choose, contractOf, nameOf, queriesFor } from './contract-query.ts';
import { createLine, type FeedState, isDelayed, isRoot, type Line, remember, silentSince } from './line.ts';
import type { Logger } from './logger.ts';
import { type StreamerError, subscriptionError, symbolTwice, unknownSymbol } from './streamer-error.ts';
import { QUOTE, TickBuffer, type TickEntry, TRADE } from './tick-buffer.ts';
import { tickData } from './tick-event.ts';

/** What market data needs from the streamer around it. */
export interface MarketDataHost {
  readonly link: BrokerLink;
  readonly clock: MarketClock;
  readonly logger: Logger;
  readonly epoch: number;
  nextReqId(): number;
  systemMs(): number;
  /** True while the session says that data flows. */
  dataFlows(): boolean;
  emit<N extends EventName>(name: N, data: EventData<N>, occurredAtMs: number): void;
  /** For handlers inside the process alone: the bus outside is no tick feed. */
  tell<N extends EventName>(name: N, data: EventData<N>, occurredAtMs: number): void;
  /** True when somebody wants an object for every tick. */
  ticksWanted(): boolean;
  askTime(): void;
  gap(conId: number, fromMs: number, toMs: number, reason: string): void;
  /** The line of an instrument stands for another one now: what is open for it can no longer be filled. */
  retired(conId: number, reason: string): void;
  /** Start of the first bar that an earlier life of this streamer had not accounted for. */
  watermark(conId: number): number | undefined;
  /** A line cannot be served at all. */
  fatal(error: StreamerError): void;
  /** The next close is earlier than it was: the driver may have to wake sooner. */
  closeMoved(): void;
  /** Ticks came in while another session held the data. */
  dataSeen(): void;
}

const TICK_BID = 1;
const TICK_ASK = 2;
const TICK_LAST = 4;
const TICK_VOLUME = 8;
const TICK_RT_VOLUME = 48;
const TICK_HALTED = 49;
const TICK_DELAYED_BID = 66;
const TICK_DELAYED_ASK = 67;
const TICK_DELAYED_LAST = 68;
const TICK_DELAYED_VOLUME = 74;

const REQUESTED_TYPE = { live: 1, frozen: 2, delayed: 3 } as const;
/** A question for a contract that failed is put again after this long, one without an answer after the longer time. */
const QUERY_AGAIN_MS = 15_000;
const QUERY_ANSWER_MS = 60_000;
/** A refused subscription is asked for again, ever more rarely. */
const RETRY_FIRST_MS = 60_000;
const RETRY_MAX_MS = 3_600_000;
/** "No security definition has been found", and a question that the broker does not understand: no such contract. */
const NO_SUCH_CONTRACT: ReadonlySet<number> = new Set([200, 321]);
/** A silent line is stale after `staleAfterMs`, and first asked for again after so many times that. */
const RENEW_FACTOR = 10;

/** The market data lines: contracts, subscriptions, ticks into candles, and what each feed's state is. */
export class MarketData {
  readonly #host: MarketDataHost;
  readonly #config: Config;
  readonly #streamer: StreamerConfig;
  readonly #lines: readonly Line[];
  readonly #lineOfReqId = new Map<number, Line>();
  readonly #buffer: TickBuffer;
  readonly #rtVolume = createRtVolume();
  readonly #trade = { kind: 'trade' as const, timeMs: 0, price: 0, size: 0, cumVolume: 0 };
  /** System time of the chunk that is being read: one look at the clock for each, not for each tick. */
  #chunkMs = 0;
  #nextCloseMs = Number.POSITIVE_INFINITY;
  #sampleCount = 0;
  #malformed = 0;
  #ended = false;

  constructor(host: MarketDataHost, config: Config, streamer: StreamerConfig) {
    this.#host = host;
    this.#config = config;
    this.#streamer = streamer;
    this.#lines = streamer.symbols.map((symbol, index) =>
      createLine(index, symbol, nameOf(symbol), queriesFor(symbol)),
    );
    const { marketData } = config;
    this.#buffer = new TickBuffer(
      {
        capacity: marketData.bufferCapacity,
        ttlMs: marketData.bufferTtlMs,
        drainAt: marketData.drainAt,
        alertAtUtilisation: marketData.alertAtUtilisation,
      },
      (entry) => this.#consume(entry),
      (stats) => {
        host.logger.warn('Tick buffer is filling up', { ...stats });
        host.emit(
          'backpressure.detected',
          {
            utilisation: stats.utilisation,
            depth: stats.depth,
            capacity: stats.capacity,
            droppedQuotes: stats.droppedQuotes,
            droppedTrades: stats.droppedTrades,
          },
          host.clock.marketMs,
        );
      },
      (index, timeMs) => this.#tradeDropped(index, timeMs),
    );
  }

  get buffer(): TickBuffer {
    return this.#buffer;
  }

  get lines(): readonly Line[] {
    return this.#lines;
  }

  /** Asks for every subscription, with fresh request ids; contracts first where they are not known yet. */
  subscribeAll(): void {
    this.#host.link.requestMarketDataType(REQUESTED_TYPE[this.#streamer.marketDataType]);
    for (const line of this.#lines) {
      this.#forgetSubscription(line, true);
      if (line.instrument) this.#subscribe(line);
      // Asked again on every connection: trading hours cover about a week, and the front month rolls.
      this.#resolve(line);
    }
    this.#host.askTime();
  }

  /** From now on prints may be missing, until each line's coverage is proven again. */
  coverageLost(reason: string, linkGone: boolean): void {
    this.#buffer.drain();
    for (const line of this.#lines) {
      if (linkGone) this.#forgetSubscription(line, false);
      if (!line.covered) continue;
      this.#loseCoverage(line, reason, reason);
    }
  }

  /** The broker's time, whole seconds. It comes behind every tick sent before it, and so proves them complete. */
  onTime(seconds: number): void {
    this.#buffer.drain();
    // Ticks that cannot be taken in yet must not be overtaken by the clock that closes their bars.
    if (this.#buffer.paused) return;
    observeBroker(this.#host.clock, seconds, this.#host.systemMs());
    if (this.#host.dataFlows()) {
      for (const line of this.#lines)
        if (line.acknowledged && !line.covered) this.#gainCoverage(line, seconds);
    }
    this.#closeDue();
    this.#watchStaleness();
    this.#askAgain();
  }

  onContract(reqId: number, details: ContractDetails): boolean {
    const line = this.#lines.find((each) => each.queryReqId === reqId);
    line?.found.push(details);
    return line !== undefined;
  }

  onContractEnd(reqId: number): void {
    const line = this.#lines.find((each) => each.queryReqId === reqId);
    if (line) this.#resolved(line);
  }

  /** An error for one of our requests; false when the request is not of market data. */
  onRequestError(reqId: number, code: number, message: string): boolean {
    const asking = this.#lines.find((line) => line.queryReqId === reqId);
    if (asking) {
      if (NO_SUCH_CONTRACT.has(code)) this.#resolved(asking);
      else this.#queryFailed(asking, code, message);
      return true;
    }
    const line = this.#lineOfReqId.get(reqId);
    if (!line) return false;
    const error = subscriptionError(line.name, code, message, this.#streamer.marketDataType === 'live');
    if (!error) {
      this.#host.logger.warn(`Notice for ${line.name}`, { code, message });
      return true;
    }
    this.#buffer.drain();
    // What is acknowledged may be the other half of the line: quotes flow, prints do not.
    line.refused = true;
    line.acknowledged = false;
    line.retryPauseMs = Math.min(RETRY_MAX_MS, line.retryPauseMs * 2 || RETRY_FIRST_MS);
    line.retryAtMs = this.#host.systemMs() + line.retryPauseMs;
    if (line.covered) this.#loseCoverage(line, 'subscription-lost', `error ${code}`);
    this.#host.fatal(error);
    return true;
  }

  onMarketDataType(reqId: number, type: number): void {
    const line = this.#lineOfReqId.get(reqId);
    if (!line) return;
    const wasDelayed = isDelayed(line);
    line.dataType = type;
    if (line.covered && wasDelayed !== isDelayed(line)) {
      this.#buffer.drain();
      this.#loseCoverage(line, 'subscription-lost', `market data type ${type}`);
    }
    if (this.#unwanted(line)) {
      line.acknowledged = false;
      this.#setFeed(line, 'delayed', `market data type ${type}`);
    } else this.#acknowledge(line);
    if (line.covered) this.#setFeed(line, this.#flowing(line), `market data type ${type}`);
  }

  onTickReqParams(reqId: number): void {
    const line = this.#lineOfReqId.get(reqId);
    if (line) this.#acknowledge(line);
  }

  onTickString(reqId: number, type: number, value: string): void {
    if (type !== TICK_RT_VOLUME) return;
    const line = this.#lineOfReqId.get(reqId);
    if (line === undefined || this.#config.candles.volumeSource !== 'rtvolume') return;
    const print = this.#rtVolume;
    if (!parseRtVolume(value, print, line.sizeDecimals)) {
      this.#malformed += 1;
      return;
    }
    this.#buffer.push(
      TRADE,
      line.index,
      print.timeMs,
      print.price,
      print.size,
      print.cumVolume,
      this.#received(),
    );
  }

  onTickPrice(reqId: number, type: number, price: number): void {
    const line = this.#lineOfReqId.get(reqId);
    if (line === undefined) return;
    switch (type) {
      case TICK_BID:
      case TICK_ASK:
        this.#buffer.push(QUOTE, line.index, 0, price, 0, type, this.#received());
        return;
      case TICK_DELAYED_BID:
      case TICK_DELAYED_ASK:
        this.#buffer.push(QUOTE, line.index, 0, price, 0, type - 65, this.#received());
        return;
      case TICK_LAST:
      case TICK_DELAYED_LAST:
        // IB's words for "no last price"; the volume that comes next was not traded at them.
        if (line.tick8 && price !== 0 && price !== -1)
          this.#tick8(line, this.#tick8Of(line, line.tick8).price(fromNumber(price)));
        return;
      default:
    }
  }

  onTickSize(reqId: number, type: number, size: number): void {
    if (type !== TICK_VOLUME && type !== TICK_DELAYED_VOLUME) return;
    const line = this.#lineOfReqId.get(reqId);
    if (!line?.tick8) return;
    const sessionMs =
      line.calendar?.sessionSpanAt(estimate(this.#host.clock, this.#host.systemMs())).fromMs ?? 0;
    if (sessionMs !== line.tick8SessionMs) line.tick8.sessionOpened();
    line.tick8SessionMs = sessionMs;
    this.#tick8(line, this.#tick8Of(line, line.tick8).volume(fromNumber(size, line.sizeDecimals)));
  }

  onTickGeneric(reqId: number, type: number, value: number): void {
    const line = this.#lineOfReqId.get(reqId);
    if (!line || type !== TICK_HALTED || value < 0) return;
    this.#buffer.drain();
    line.halted = value > 0;
    this.#step(line, { kind: 'halt', halted: value > 0, atMs: this.#host.clock.marketMs });
  }

  onTickByTick(reqId: number, seconds: number, price: number, size: number): void {
    const line = this.#lineOfReqId.get(reqId);
    if (line === undefined) return;
    if (!line.acknowledged) this.#acknowledge(line);
    const scaledSize = fromNumber(size, line.sizeDecimals);
    this.#buffer.push(TRADE, line.index, seconds * 1000, fromNumber(price), scaledSize, -1, this.#received());
  }

  /** Historical bars for the builder of `conId`. */
  backfill(conId: number, fromMs: number, toMs: number, bars: readonly HistoricalBar[]): void {
    const line = this.#lineOf(conId);
    if (line) this.#step(line, { kind: 'backfill', fromMs, toMs, bars });
  }

  instrument(conId: number): Instrument | undefined {
    return this.#lineOf(conId)?.instrument;
  }

  sizeDecimals(conId: number): number {
    return this.#lineOf(conId)?.sizeDecimals ?? 4;
  }

  /** Market time at which the next bar closes, Infinity when none is open. */
  get nextCloseMs(): number {
    return this.#nextCloseMs;
  }

  /** True while a line waits for the broker's time to prove that its prints are complete. */
  get awaitsCoverage(): boolean {
    // While no data flows the answer could prove nothing.
    return this.#host.dataFlows() && this.#lines.some((line) => line.acknowledged && !line.covered);
  }

  /** Bars up to here are accounted for, by instrument; lines without coverage keep their old mark. */
  closedThrough(): Map<number, number> {
    const marks = new Map<number, number>();
    for (const line of this.#lines) {
      // Delayed bars are never complete: nothing is accounted for.
      if (!line.covered || !line.builder || !line.instrument || isDelayed(line)) continue;
      const { closedThroughMs } = builderStats(line.builder);
      // The silence of a stale line may be a dead feed: nothing since its last tick is certain.
      const { intervalMs } = this.#config.candles;
      const knownMs =
        line.feed === 'stale'
          ? Math.floor(silentSince(line) / intervalMs) * intervalMs
          : Number.POSITIVE_INFINITY;
      marks.set(line.instrument.conId, Math.min(closedThroughMs, knownMs));
    }
    return marks;
  }

  /** Last act: what waits goes into its bars, and open bars leave as partial. */
  shutdown(): void {
    if (this.#ended) return;
    this.#buffer.resume();
    this.#buffer.drain();
    this.#ended = true;
    for (const line of this.#lines) this.#step(line, { kind: 'shutdown' });
  }

  stats() {
    return {
      buffer: this.#buffer.stats(),
      malformedTicks: this.#malformed,
      /** Market time at which the next bar closes; null when none is open. */
      nextCloseMs: this.#nextCloseMs === Number.POSITIVE_INFINITY ? null : this.#nextCloseMs,
      lines: this.#lines.map((line) => ({
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
      })),
    };
  }

  #received(): number {
    // The buffer is empty whenever a new chunk begins: that is the moment to look at the clock. While it is held back
    // it stays full for longer.
    if (this.#buffer.empty || this.#buffer.paused) this.#chunkMs = this.#host.systemMs();
    return this.#chunkMs;
  }

  #consume(entry: TickEntry): void {
    const line = this.#lines[entry.line]!;
    const { clock } = this.#host;
    if (entry.kind === TRADE) {
      if (line.builder === undefined || !observeEvent(clock, entry.timeMs, this.#chunkMs)) return;
      const trade = this.#trade;
      trade.timeMs = entry.timeMs;
      trade.price = entry.price;
      trade.size = entry.size;
      trade.cumVolume = entry.cumVolume;
      const { effects } = stepBuilder(line.builder, trade, clock.marketMs);
      if (effects.length > 0) this.#apply(line, effects);
      line.lastPrice = entry.price;
      line.trades += 1;
      line.halted = false;
    } else {
      // -1 is IB's word for "no quote".
      const price = entry.price === -1 ? Number.NaN : entry.price;
      if (entry.cumVolume === TICK_BID) line.bid = price;
      else line.ask = price;
      line.quotes += 1;
    }
    line.lastTickMs = clock.marketMs;
    if (line.feed === 'stale') this.#setFeed(line, this.#flowing(line), 'ticks came back');
    if (this.#config.marketData.tickSampling.enabled || this.#host.ticksWanted()) this.#tellTick(line, entry);
    if (clock.marketMs >= this.#nextCloseMs) this.#closeDue();
    else if (entry.kind === TRADE) this.#planClose(line);
    if (!line.covered) this.#host.dataSeen();
  }

  /** While no data flows, what comes is a baseline: the volume until data flows again is history's to tell. */
  #tick8Of(line: Line, tick8: Tick8Volume): Tick8Volume {
    if (!this.#host.dataFlows() && !line.covered) tick8.reset();
    return tick8;
  }

  #tick8(
    line: Line,
    print: { readonly price: number; readonly size: number; readonly cumVolume: number } | undefined,
  ): void {
    if (!print) return;
    // These ticks carry no time of their own: the broker's clock is the nearest to the exchange's.
    const timeMs = estimate(this.#host.clock, this.#host.systemMs());
    this.#buffer.push(TRADE, line.index, timeMs, print.price, print.size, print.cumVolume, this.#received());
  }

  #tellTick(line: Line, entry: TickEntry): void {
    const { instrument } = line;
    if (!instrument) return;
    const { enabled, everyNth } = this.#config.marketData.tickSampling;
    const sampled = enabled && this.#sampleCount++ % everyNth === 0;
    if (!sampled && !this.#host.ticksWanted()) return;
    const data = tickData(line, instrument, entry, this.#host.clock.marketMs);
    if (!data) return;
    if (sampled) this.#host.emit('tick.received', data, data.timeMs);
    else this.#host.tell('tick.received', data, data.timeMs);
  }

  #resolve(line: Line): void {
    // A question that has found the contract once is the right one: the next would find another kind of thing.
    if (!line.instrument) line.queryIndex = 0;
    this.#ask(line);
  }

  #ask(line: Line): void {
    const query =
      line.instrument && !isRoot(line) ? { conId: line.instrument.conId } : line.queries[line.queryIndex];
    if (!query) return;
    line.found = [];
    line.queryReqId = this.#host.nextReqId();
    line.queryAgainAtMs = this.#host.systemMs() + QUERY_ANSWER_MS;
    this.#host.link.requestContract(line.queryReqId, query);
  }

  /** A question that failed says nothing about the contract: what is known stays, and it is put again. */
  #queryFailed(line: Line, code: number, message: string): void {
    line.queryReqId = 0;
    line.found = [];
    line.queryAgainAtMs = this.#host.systemMs() + QUERY_AGAIN_MS;
    this.#host.logger.warn(`The question for the contract of ${line.name} failed`, { code, message });
  }

  #resolved(line: Line): void {
    line.queryReqId = 0;
    line.queryAgainAtMs = Number.POSITIVE_INFINITY;
    const atMs = estimate(this.#host.clock, this.#host.systemMs()) || this.#host.systemMs();
    const instrument = choose(line.name, line.found, atMs, this.#config.roll.daysBeforeExpiry);
    line.found = [];
    if (!instrument) {
      if (line.instrument) {
        this.#host.logger.warn(`Contract details for ${line.name} could not be refreshed`);
        return;
      }
      line.queryIndex += 1;
      if (line.queryIndex < line.queries.length) this.#ask(line);
      else this.#host.fatal(unknownSymbol(line.name));
      return;
    }
    this.#adopt(line, instrument);
  }

  #adopt(line: Line, instrument: Instrument): void {
    const other = this.#lines.find((each) => each !== line && each.instrument?.conId === instrument.conId);
    if (other) {
      this.#host.fatal(symbolTwice(other.name, line.name, instrument));
      return;
    }
    const calendar = createCalendar(instrument.tradingHours, instrument.timeZone);
    const known = line.instrument;
    line.calendar = calendar;
    // Ticks that still wait are the old contract's, and the old hours'.
    this.#buffer.drain();
    if (known?.conId === instrument.conId) {
      line.instrument = instrument;
      this.#step(line, { kind: 'calendar', calendar });
      return;
    }
    if (known) {
      this.#host.logger.info(`${line.name} rolls from ${known.localSymbol} to ${instrument.localSymbol}`);
      this.#retire(line, known, `rolled to ${instrument.localSymbol}`);
    }
    line.instrument = instrument;
    line.sizeDecimals = sizeDecimalsFor(instrument.secType);
    const { candles } = this.#config;
    const resumeFromMs = this.#host.watermark(instrument.conId);
    line.builder = createBuilder({
      conId: instrument.conId,
      symbol: instrument.localSymbol,
      intervalMs: candles.intervalMs,
      graceMs: candles.graceMs,
      correctionMs: candles.correctionMs,
      flatBarsMax: candles.flatBarsMax,
      volumeSource: candles.volumeSource,
      sizeDecimals: line.sizeDecimals,
      epoch: this.#host.epoch,
      calendar,
      ...(resumeFromMs === undefined ? {} : { resumeFromMs }),
    });
    line.tick8 = candles.volumeSource === 'tick8' ? new Tick8Volume() : undefined;
    this.#host.logger.info(`${line.name} is ${instrument.localSymbol}`, {
      conId: instrument.conId,
      exchange: instrument.exchange,
      multiplier: instrument.multiplier,
      minTick: instrument.minTick,
      ...(instrument.expiry ? { expiry: instrument.expiry } : {}),
      ...(resumeFromMs === undefined ? {} : { resumeFrom: new Date(resumeFromMs).toISOString() }),
    });
    this.#host.emit(
      'instrument.resolved',
      instrument,
      atLeast(this.#host.clock.marketMs, this.#host.systemMs()),
    );
    this.#subscribe(line);
    this.#host.askTime();
  }

  /** The last of a contract that the line stands for no more. */
  #retire(line: Line, known: Instrument, reason: string): void {
    // Prints that an outage before the roll has cost are told as a gap; it is given up below.
    if (!line.covered) this.#step(line, { kind: 'coverage-gained', fromMs: this.#host.clock.marketMs });
    line.covered = false;
    this.#buffer.discard(line.index);
    this.#step(line, { kind: 'shutdown' });
    this.#setFeed(line, 'lost', reason);
    this.#forgetSubscription(line, true);
    this.#host.retired(known.conId, reason);
    // What follows is about another contract.
    line.feed = 'unknown';
    line.lastPrice = Number.NaN;
    line.bid = Number.NaN;
    line.ask = Number.NaN;
    line.recent = [];
  }

  #subscribe(line: Line): void {
    if (!line.instrument) return;
    line.reqId = this.#host.nextReqId();
    line.acknowledged = false;
    line.refused = false;
    line.halted = false;
    line.dataType = 0;
    line.tick8?.reset();
    this.#lineOfReqId.set(line.reqId, line);
    const contract = contractOf(line.instrument);
    this.#host.link.subscribe(line.reqId, contract);
    if (this.#config.candles.volumeSource === 'tick-by-tick') {
      line.tickByTickReqId = this.#host.nextReqId();
      this.#lineOfReqId.set(line.tickByTickReqId, line);
      this.#host.link.subscribeTickByTick(line.tickByTickReqId, contract);
    }
  }

  #forgetSubscription(line: Line, tellGateway: boolean): void {
    if (line.reqId === 0) return;
    if (tellGateway) {
      this.#host.link.unsubscribe(line.reqId);
      if (line.tickByTickReqId !== 0) this.#host.link.unsubscribeTickByTick(line.tickByTickReqId);
    }
    this.#lineOfReqId.delete(line.reqId);
    this.#lineOfReqId.delete(line.tickByTickReqId);
    line.reqId = 0;
    line.tickByTickReqId = 0;
    line.acknowledged = false;
  }

  #acknowledge(line: Line): void {
    if (line.acknowledged || line.refused || this.#unwanted(line)) return;
    line.acknowledged = true;
    this.#host.askTime();
  }

  /** Delayed data where live data is configured: no bar may be made of it. */
  #unwanted(line: Line): boolean {
    return isDelayed(line) && this.#streamer.marketDataType === 'live';
  }

  /** One line lost its data. `since`: market time from which on prints may be missing. */
  #loseCoverage(line: Line, reason: string, told: string, since = this.#host.clock.marketMs): void {
    line.covered = false;
    line.tick8?.reset();
    this.#setFeed(line, 'lost', told);
    this.#step(line, { kind: 'coverage-lost', atMs: since, reason });
  }

  #tradeDropped(index: number, timeMs: number): void {
    const line = this.#lines[index]!;
    // The subscription stands: the next answer of the broker proves what comes after.
    if (line.covered) this.#loseCoverage(line, 'ticks-dropped', 'ticks had to be dropped', timeMs);
  }

  #gainCoverage(line: Line, seconds: number): void {
    line.covered = true;
    line.quietSinceMs = this.#host.clock.marketMs;
    line.retryPauseMs = 0;
    // The broker's time is cut to whole seconds: coverage is proven from the next one on. Delayed prints come at the
    // wrong time, so that their bars stay partial.
    if (!isDelayed(line)) this.#step(line, { kind: 'coverage-gained', fromMs: (seconds + 1) * 1000 });
    this.#setFeed(line, this.#flowing(line), 'subscription confirmed');
  }

  #step(line: Line, input: Parameters<typeof stepBuilder>[1]): void {
    if (!line.builder) return;
    const { effects } = stepBuilder(line.builder, input, this.#host.clock.marketMs);
    if (effects.length > 0) this.#apply(line, effects);
    this.#planClose(line);
  }

  #planClose(line: Line): void {
    const next = builderDeadline(line.builder!);
    if (next >= this.#nextCloseMs) return;
    this.#nextCloseMs = next;
    this.#host.closeMoved();
  }

  #closeDue(): void {
    const { marketMs } = this.#host.clock;
    this.#nextCloseMs = Number.POSITIVE_INFINITY;
    for (const line of this.#lines) {
      if (!line.builder) continue;
      if (builderDeadline(line.builder) <= marketMs) {
        const { effects } = stepBuilder(line.builder, { kind: 'clock' }, marketMs);
        if (effects.length > 0) this.#apply(line, effects);
      }
      this.#planClose(line);
    }
  }

  #apply(line: Line, effects: readonly BuilderEffect[]): void {
    const { instrument } = line;
    if (!instrument) return;
    const nowMs = this.#host.clock.marketMs;
    for (const effect of effects) {
      switch (effect.kind) {
        case 'candle':
          line.candles += 1;
          remember(line.recent, effect.candle);
          if (effect.type === 'completed') this.#host.emit('candle.completed', effect.candle, nowMs);
          else
            this.#host.emit(
              'candle.corrected',
              { ...effect.candle, reason: effect.reason ?? 'late-tick' },
              nowMs,
            );
          break;
        case 'late-tick':
          this.#host.emit(
            'tick.late',
            {
              conId: instrument.conId,
              symbol: instrument.localSymbol,
              timeMs: effect.timeMs,
              price: formatPrice(effect.price),
              size: formatSize(effect.size, line.sizeDecimals),
              latenessMs: effect.latenessMs,
            },
            nowMs,
          );
          break;
        case 'gap':
          this.#host.gap(instrument.conId, effect.fromMs, effect.toMs, effect.reason);
          break;
      }
    }
  }

  #flowing(line: Line): FeedState {
    if (line.dataType >= 3) return 'delayed';
    return line.dataType === 2 ? 'frozen' : 'live';
  }

  #setFeed(line: Line, to: FeedState, reason: string): void {
    const { instrument, feed } = line;
    if (feed === to || !instrument) return;
    line.feed = to;
    this.#host.emit(
      'feed.changed',
      { conId: instrument.conId, symbol: instrument.localSymbol, from: feed, to, reason },
      this.#host.clock.marketMs,
    );
  }

  /** A silent line inside its session is stale; one that stays silent is asked for again, ever more rarely. */
  #watchStaleness(): void {
    const { marketMs } = this.#host.clock;
    const { staleAfterMs } = this.#config.marketData;
    for (const line of this.#lines) {
      if (!line.covered || !line.instrument) continue;
      if (line.halted || line.calendar?.stateAt(marketMs) !== 'open') {
        line.quietSinceMs = marketMs;
        continue;
      }
      const sinceMs = silentSince(line);
      const silentMs = marketMs - sinceMs;
      if (silentMs < staleAfterMs) continue;
      this.#setFeed(line, 'stale', `no tick for ${Math.round(silentMs / 1000)} s inside the session`);
      if (this.#host.clock.tape) continue;
      if (line.renewAfterMs === 0 || line.lastTickMs > line.renewedMs)
        line.renewAfterMs = staleAfterMs * RENEW_FACTOR;
      if (silentMs < line.renewAfterMs) continue;
      line.renewAfterMs *= 2;
      line.renewedMs = marketMs;
      this.#host.logger.warn(`${line.name} has been silent too long: subscribing again`, { silentMs });
      // A feed can be dead without a word: history tells whether the silence was one.
      this.#loseCoverage(line, 'stale', 'silent too long', sinceMs);
      this.#forgetSubscription(line, true);
      this.#subscribe(line);
    }
  }

  /** Puts questions again that failed, and asks again for subscriptions that were refused. */
  #askAgain(): void {
    const nowMs = this.#host.systemMs();
    for (const line of this.#lines) {
      if (nowMs >= line.queryAgainAtMs) this.#ask(line);
      if (!line.refused || nowMs < line.retryAtMs || !this.#host.dataFlows()) continue;
      this.#forgetSubscription(line, true);
      this.#subscribe(line);
    }
  }

  #lineOf(conId: number): Line | undefined {
    return this.#lines.find((line) => line.instrument?.conId === conId);
  }
}

/** Events before the first word from the broker carry the system's time. */
function atLeast(marketMs: number, systemMs: number): number {
  return marketMs > 0 ? marketMs : systemMs;
}
