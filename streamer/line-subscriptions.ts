import type { Config, StreamerConfig } from '../config/schema.ts';
import { contractOf } from './contract-query.ts';
import type { Coverage } from './coverage.ts';
import { isDelayed, type Line } from './line.ts';
import type { LineBook } from './line-book.ts';
import type { MarketDataHost } from './market-data-host.ts';
import { subscriptionError } from './streamer-error.ts';
import type { TickBuffer } from './tick-buffer.ts';

const REQUESTED_TYPE = { live: 1, frozen: 2, delayed: 3 } as const;
/** A refused subscription is asked for again, ever more rarely. */
const RETRY_FIRST_MS = 60_000;
const RETRY_MAX_MS = 3_600_000;

/** The lines' market data subscriptions: asked for, answered, refused and asked for again. */
export class LineSubscriptions {
  readonly #host: MarketDataHost;
  readonly #tickByTick: boolean;
  readonly #marketDataType: StreamerConfig['marketDataType'];
  readonly #book: LineBook;
  readonly #coverage: Coverage;
  readonly #buffer: TickBuffer;

  constructor(
    host: MarketDataHost,
    config: Config,
    streamer: StreamerConfig,
    book: LineBook,
    coverage: Coverage,
    buffer: TickBuffer,
  ) {
    this.#host = host;
    this.#tickByTick = config.candles.volumeSource === 'tick-by-tick';
    this.#marketDataType = streamer.marketDataType;
    this.#book = book;
    this.#coverage = coverage;
    this.#buffer = buffer;
  }

  /** Says what kind of data to send; the gateway keeps to it for the subscriptions that follow. */
  requestType(): void {
    this.#host.link.requestMarketDataType(REQUESTED_TYPE[this.#marketDataType]);
  }

  subscribe(line: Line): void {
    if (!line.instrument) return;
    line.reqId = this.#host.nextReqId();
    line.acknowledged = false;
    line.refused = false;
    line.halted = false;
    line.dataType = 0;
    line.tick8?.reset();
    this.#book.ofSubscription.set(line.reqId, line);
    const contract = contractOf(line.instrument);
    this.#host.link.subscribe(line.reqId, contract);
    if (this.#tickByTick) {
      line.tickByTickReqId = this.#host.nextReqId();
      this.#book.ofSubscription.set(line.tickByTickReqId, line);
      this.#host.link.subscribeTickByTick(line.tickByTickReqId, contract);
    }
  }

  forget(line: Line, tellGateway: boolean): void {
    if (line.reqId === 0) return;
    if (tellGateway) {
      this.#host.link.unsubscribe(line.reqId);
      if (line.tickByTickReqId !== 0) this.#host.link.unsubscribeTickByTick(line.tickByTickReqId);
    }
    this.#book.ofSubscription.delete(line.reqId);
    this.#book.ofSubscription.delete(line.tickByTickReqId);
    line.reqId = 0;
    line.tickByTickReqId = 0;
    line.acknowledged = false;
  }

  renew(line: Line): void {
    this.forget(line, true);
    this.subscribe(line);
  }

  /** Asks again for a subscription that was refused, once its pause is over. */
  retry(line: Line, nowMs: number): void {
    if (line.refused && nowMs >= line.retryAtMs && this.#host.dataFlows()) this.renew(line);
  }

  onTickReqParams(reqId: number): void {
    const line = this.#book.ofSubscription.get(reqId);
    if (line) this.#coverage.acknowledge(line);
  }

  onMarketDataType(reqId: number, type: number): void {
    const line = this.#book.ofSubscription.get(reqId);
    if (!line) return;
    const coverage = this.#coverage;
    const wasDelayed = isDelayed(line);
    line.dataType = type;
    if (line.covered && wasDelayed !== isDelayed(line)) {
      this.#buffer.drain();
      coverage.lose(line, 'subscription-lost', `market data type ${type}`);
    }
    if (coverage.unwanted(line)) {
      line.acknowledged = false;
      coverage.setFeed(line, 'delayed', `market data type ${type}`);
    } else coverage.acknowledge(line);
    if (line.covered) coverage.setFeed(line, coverage.flowing(line), `market data type ${type}`);
  }

  /** An error for a subscription; false when the request is none. */
  onError(reqId: number, code: number, message: string): boolean {
    const line = this.#book.ofSubscription.get(reqId);
    if (!line) return false;
    const error = subscriptionError(line.name, code, message, this.#marketDataType === 'live');
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
    if (line.covered) this.#coverage.lose(line, 'subscription-lost', `error ${code}`);
    this.#host.fatal(error);
    return true;
  }
}
