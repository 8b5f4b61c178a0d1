import type { Config } from '../config/schema.ts';
import { createBuilder } from '../lib/domain/market/candle-builder.ts';
import { sizeDecimalsFor } from '../lib/domain/market/fixed.ts';
import type { Instrument } from '../lib/domain/market/instrument.ts';
import { estimate } from '../lib/domain/market/market-clock.ts';
import { createCalendar, type SessionCalendar } from '../lib/domain/market/sessions.ts';
import { Tick8Volume } from '../lib/domain/market/tick8-volume.ts';
import type { CandleEvents } from './candle-events.ts';
import { choose, isSameKind, kindsOf, ofSize } from './contract-query.ts';
import type { Coverage } from './coverage.ts';
import { isRoot, type Line } from './line.ts';
import type { LineBook } from './line-book.ts';
import type { LineSubscriptions } from './line-subscriptions.ts';
import type { MarketDataHost } from './market-data-host.ts';
import { ambiguousSymbol, symbolTwice, unknownSymbol } from './streamer-error.ts';
import type { TickBuffer } from './tick-buffer.ts';

/** A question for a contract that failed is put again after this long, one without an answer after the longer time. */
const QUERY_AGAIN_MS = 15_000;
const QUERY_ANSWER_MS = 60_000;
/** "No security definition has been found", and a question that the broker does not understand: no such contract. */
const NO_SUCH_CONTRACT: ReadonlySet<number> = new Set([200, 321]);

/** The parts of market data that a line's contract concerns. */
export interface ContractParts {
  readonly book: LineBook;
  readonly candles: CandleEvents;
  readonly coverage: Coverage;
  readonly subscriptions: LineSubscriptions;
  readonly buffer: TickBuffer;
}

/** Finds the contract that each line stands for, begins its candles, and rolls the line when it is another one. */
export class LineContracts {
  readonly #host: MarketDataHost;
  readonly #config: Config;
  readonly #parts: ContractParts;

  constructor(host: MarketDataHost, config: Config, parts: ContractParts) {
    this.#host = host;
    this.#config = config;
    this.#parts = parts;
  }

  resolve(line: Line): void {
    // A question that has found the contract once is the right one: the next would find another kind of thing.
    if (!line.instrument) line.queryIndex = 0;
    this.#ask(line);
  }

  /** Puts a question again that failed or was not answered, once its pause is over. */
  retry(line: Line, nowMs: number): void {
    if (nowMs >= line.queryAgainAtMs) this.#ask(line);
  }

  onEnd(reqId: number): void {
    const line = this.#parts.book.ofQuery(reqId);
    if (line) this.#resolved(line);
  }

  /** An error for a question; false when the request is none. */
  onError(reqId: number, code: number, message: string): boolean {
    const line = this.#parts.book.ofQuery(reqId);
    if (!line) return false;
    if (NO_SUCH_CONTRACT.has(code)) this.#resolved(line);
    else this.#queryFailed(line, code, message);
    return true;
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
    const found = ofSize(line.symbol, line.found);
    const kinds = kindsOf(line.name, found);
    const known = line.instrument;
    const isAmbiguous = kinds.length > 1 && !kinds.some((kind) => known && isSameKind(kind, known));
    const { daysBeforeExpiry } = this.#config.roll;
    const like = kinds.length > 1 ? known : undefined;
    const instrument = choose(line.name, found, atMs, daysBeforeExpiry, like);
    line.found = [];
    if (isAmbiguous && !known) {
      this.#host.fatal(ambiguousSymbol(line.name, kinds));
      return;
    }
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
    const { book, buffer, candles } = this.#parts;
    const other = book.all.find((each) => each !== line && each.instrument?.conId === instrument.conId);
    if (other) {
      this.#host.fatal(symbolTwice(other.name, line.name, instrument));
      return;
    }
    const calendar = createCalendar(instrument.tradingHours, instrument.timeZone);
    const known = line.instrument;
    line.calendar = calendar;
    // Ticks that still wait are the old contract's, and the old hours'.
    buffer.drain();
    if (known?.conId === instrument.conId) {
      line.instrument = instrument;
      candles.step(line, { kind: 'calendar', calendar });
      return;
    }
    if (known) {
      this.#host.logger.info(`${line.name} rolls from ${known.localSymbol} to ${instrument.localSymbol}`);
      this.#retire(line, known, `rolled to ${instrument.localSymbol}`);
    }
    this.#begin(line, instrument, calendar);
  }

  /** The first of a contract that the line stands for from now on. */
  #begin(line: Line, instrument: Instrument, calendar: SessionCalendar): void {
    // A contract that a line rolls to has lost nothing.
    const looksBack = this.#host.hasForerunner && line.instrument === undefined;
    line.instrument = instrument;
    line.sizeDecimals = sizeDecimalsFor(instrument.secType);
    const { candles, backfill } = this.#config;
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
      lookBackMs: looksBack ? backfill.lookBackMinutes * 60_000 : 0,
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
    // Events before the first word from the broker carry the system's time.
    const { marketMs } = this.#host.clock;
    this.#host.emit('instrument.resolved', instrument, marketMs > 0 ? marketMs : this.#host.systemMs());
    this.#parts.subscriptions.subscribe(line);
    this.#host.askTime();
  }

  /** The last of a contract that the line stands for no more. */
  #retire(line: Line, known: Instrument, reason: string): void {
    const { buffer, candles, coverage, subscriptions } = this.#parts;
    // Prints that an outage before the roll has cost are told as a gap; it is given up below.
    if (!line.covered) candles.step(line, { kind: 'coverage-gained', fromMs: this.#host.clock.marketMs });
    line.covered = false;
    buffer.discard(line.index);
    candles.step(line, { kind: 'shutdown' });
    coverage.setFeed(line, 'lost', reason);
    subscriptions.forget(line, true);
    this.#host.retired(known.conId, reason);
    // What follows is about another contract.
    line.feed = 'unknown';
    line.lastPrice = Number.NaN;
    line.bid = Number.NaN;
    line.ask = Number.NaN;
    line.recent = [];
  }
}
