import type { Config } from '../config/schema.ts';
import type { HistoricalBar } from '../lib/domain/market/candle-builder.ts';
import { fromNumber } from '../lib/domain/market/fixed.ts';
import { barSizes, type LinkBar } from './broker-link.ts';
import type { GatewayLink } from './broker-link-types.ts';
import { contractOf } from './contract-query.ts';
import type { MarketData } from './market-data.ts';
import { StreamerError } from './streamer-error.ts';

/** What a finished request for historical bars led to. */
export type HistoryOutcome =
  | { readonly kind: 'answer'; readonly key: string; readonly bars: readonly HistoricalBar[] }
  | { readonly kind: 'failure'; readonly key: string; readonly message: string; readonly noData: boolean };

interface Pending {
  readonly key: string;
  readonly conId: number;
  readonly bars: HistoricalBar[];
}

const DAY_SECONDS = 86_400;

/** Requests for historical bars that are out, by request id: puts the rows of an answer together. */
export class History {
  readonly #pending = new Map<number, Pending>();
  readonly #config: Config;
  readonly #marketData: MarketData;
  readonly #link: GatewayLink;
  readonly #nextReqId: () => number;

  constructor(config: Config, marketData: MarketData, link: GatewayLink, nextReqId: () => number) {
    if (!barSizes.has(config.candles.intervalMs)) {
      const allowed = [...barSizes.keys()].join(', ');
      throw new StreamerError(
        'INTERVAL_UNSUPPORTED',
        `candles.intervalMs is ${config.candles.intervalMs}, but the broker's history, which fills gaps, has no such bars. Allowed: ${allowed}.`,
      );
    }
    this.#config = config;
    this.#marketData = marketData;
    this.#link = link;
    this.#nextReqId = nextReqId;
  }

  /** Sends a request for the bars that start in [fromMs, toMs). */
  request(key: string, conId: number, fromMs: number, toMs: number): void {
    const instrument = this.#marketData.instrument(conId);
    const barSize = barSizes.get(this.#config.candles.intervalMs);
    if (!instrument || !barSize) return;
    const reqId = this.#nextReqId();
    this.#pending.set(reqId, { key, conId, bars: [] });
    const seconds = Math.ceil((toMs - fromMs) / 1000);
    // IB takes at most a day in seconds; longer stretches are asked for in days.
    const duration = seconds <= DAY_SECONDS ? `${seconds} S` : `${Math.ceil(seconds / DAY_SECONDS)} D`;
    this.#link.requestHistory(reqId, contractOf(instrument), endOf(toMs), duration, barSize);
  }

  onBar(reqId: number, bar: LinkBar): void {
    const pending = this.#pending.get(reqId);
    if (!pending) return;
    const sizeDecimals = this.#marketData.sizeDecimals(pending.conId);
    pending.bars.push({
      startMs: bar.startSeconds * 1000,
      open: fromNumber(bar.open),
      high: fromNumber(bar.high),
      low: fromNumber(bar.low),
      close: fromNumber(bar.close),
      volume: fromNumber(bar.volume, sizeDecimals),
      tickCount: Math.max(0, bar.count),
    });
  }

  onEnd(reqId: number): HistoryOutcome | undefined {
    const pending = this.#pending.get(reqId);
    if (!pending) return undefined;
    this.#pending.delete(reqId);
    return { kind: 'answer', key: pending.key, bars: pending.bars };
  }

  onError(reqId: number, code: number, message: string): HistoryOutcome | undefined {
    const pending = this.#pending.get(reqId);
    if (!pending) return undefined;
    this.#pending.delete(reqId);
    return {
      kind: 'failure',
      key: pending.key,
      message: `${code}: ${message}`,
      noData: code === 162 && /no data/i.test(message),
    };
  }

  /** Answers of a link that is gone never come. */
  forget(): void {
    this.#pending.clear();
  }
}

/** `yyyymmdd-HH:MM:SS`, which IB reads as UTC. */
function endOf(ms: number): string {
  const iso = new Date(ms).toISOString();
  return `${iso.slice(0, 10).replaceAll('-', '')}-${iso.slice(11, 19)}`;
}
