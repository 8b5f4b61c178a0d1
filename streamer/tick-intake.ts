import type { Config } from '../config/schema.ts';
import { step as stepBuilder } from '../lib/domain/market/candle-builder.ts';
import { fromNumber } from '../lib/domain/market/fixed.ts';
import { estimate, observeEvent } from '../lib/domain/market/market-clock.ts';
import { createRtVolume, parseRtVolume } from '../lib/domain/market/rtvolume.ts';
import type { Tick8Volume } from '../lib/domain/market/tick8-volume.ts';
import type { CandleEvents } from './candle-events.ts';
import type { Coverage } from './coverage.ts';
import type { Line } from './line.ts';
import type { LineBook } from './line-book.ts';
import type { MarketDataHost } from './market-data-host.ts';
import { QUOTE, TickBuffer, type TickBufferStats, type TickEntry, TRADE } from './tick-buffer.ts';
import { tickData } from './tick-event.ts';

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

/** The way of a tick: from the socket's listener into the buffer, and from the buffer into its line's builder. */
export class TickIntake {
  readonly buffer: TickBuffer;
  readonly #host: MarketDataHost;
  readonly #config: Config;
  readonly #lines: readonly Line[];
  readonly #lineOfReqId: ReadonlyMap<number, Line>;
  readonly #candles: CandleEvents;
  readonly #coverage: Coverage;
  readonly #rtVolume = createRtVolume();
  readonly #trade = { kind: 'trade' as const, timeMs: 0, price: 0, size: 0, cumVolume: 0 };
  /** System time of the chunk that is being read: one look at the clock for each, not for each tick. */
  #chunkMs = 0;
  #sampleCount = 0;
  #malformed = 0;

  constructor(
    host: MarketDataHost,
    config: Config,
    book: LineBook,
    candles: CandleEvents,
    coverage: Coverage,
  ) {
    this.#host = host;
    this.#config = config;
    this.#lines = book.all;
    this.#lineOfReqId = book.ofSubscription;
    this.#candles = candles;
    this.#coverage = coverage;
    const { marketData } = config;
    this.buffer = new TickBuffer(
      {
        capacity: marketData.bufferCapacity,
        ttlMs: marketData.bufferTtlMs,
        drainAt: marketData.drainAt,
        alertAtUtilisation: marketData.alertAtUtilisation,
      },
      (entry) => this.#consume(entry),
      (stats) => this.#underPressure(stats),
      (index, timeMs) => this.#tradeDropped(index, timeMs),
    );
  }

  /** Ticks that could not be read. */
  get malformed(): number {
    return this.#malformed;
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
    this.buffer.push(
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
        this.buffer.push(QUOTE, line.index, 0, price, 0, type, this.#received());
        return;
      case TICK_DELAYED_BID:
      case TICK_DELAYED_ASK:
        this.buffer.push(QUOTE, line.index, 0, price, 0, type - 65, this.#received());
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
    this.buffer.drain();
    line.halted = value > 0;
    this.#candles.step(line, { kind: 'halt', halted: value > 0, atMs: this.#host.clock.marketMs });
  }

  onTickByTick(reqId: number, seconds: number, price: number, size: number): void {
    const line = this.#lineOfReqId.get(reqId);
    if (line === undefined) return;
    if (!line.acknowledged) this.#coverage.acknowledge(line);
    const scaledSize = fromNumber(size, line.sizeDecimals);
    this.buffer.push(TRADE, line.index, seconds * 1000, fromNumber(price), scaledSize, -1, this.#received());
  }

  #received(): number {
    // The buffer is empty whenever a new chunk begins: that is the moment to look at the clock. While it is held back
    // it stays full for longer.
    if (this.buffer.empty || this.buffer.paused) this.#chunkMs = this.#host.systemMs();
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
      if (effects.length > 0) this.#candles.apply(line, effects);
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
    if (line.feed === 'stale') this.#coverage.setFeed(line, this.#coverage.flowing(line), 'ticks came back');
    if (this.#config.marketData.tickSampling.enabled || this.#host.ticksWanted()) this.#tellTick(line, entry);
    if (clock.marketMs >= this.#candles.nextCloseMs) this.#candles.closeDue();
    else if (entry.kind === TRADE) this.#candles.planClose(line);
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
    this.buffer.push(TRADE, line.index, timeMs, print.price, print.size, print.cumVolume, this.#received());
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

  #underPressure(stats: TickBufferStats): void {
    this.#host.logger.warn('Tick buffer is filling up', { ...stats });
    const { utilisation, depth, capacity, droppedQuotes, droppedTrades } = stats;
    this.#host.emit(
      'backpressure.detected',
      { queue: 'ticks', utilisation, depth, capacity, droppedQuotes, droppedTrades },
      this.#host.clock.marketMs,
    );
  }

  #tradeDropped(index: number, timeMs: number): void {
    const line = this.#lines[index]!;
    // The subscription stands: the next answer of the broker proves what comes after.
    if (line.covered) this.#coverage.lose(line, 'ticks-dropped', 'ticks had to be dropped', timeMs);
  }
}
