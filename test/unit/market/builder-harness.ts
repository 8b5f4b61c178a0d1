/** Drives a candle builder in tests: decimal text in, effects collected, the clock never behind the latest print. */
import type { Candle } from '../../../lib/domain/market/candle.ts';
import { supersedes } from '../../../lib/domain/market/candle.ts';
import {
  type BuilderConfig,
  type BuilderEffect,
  type BuilderInput,
  type BuilderState,
  builderStats,
  createBuilder,
  deadline,
  type HistoricalBar,
  step,
} from '../../../lib/domain/market/candle-builder.ts';
import { parsePrice, parseSize } from '../../../lib/domain/market/fixed.ts';
import { alwaysOpen, type SessionCalendar } from '../../../lib/domain/market/sessions.ts';

export const minuteMs = 60_000;
/** A Tuesday, 15:00 UTC. */
export const baseMs = Date.UTC(2026, 0, 6, 15);

export const baseConfig: BuilderConfig = {
  conId: 7,
  symbol: 'TEST',
  intervalMs: minuteMs,
  graceMs: 2_000,
  correctionMs: 60_000,
  flatBarsMax: 2,
  volumeSource: 'rtvolume',
  sizeDecimals: 4,
  epoch: 3,
  calendar: alwaysOpen(),
};

type CandleEffect = Extract<BuilderEffect, { kind: 'candle' }>;
type GapEffect = Extract<BuilderEffect, { kind: 'gap' }>;
type LateEffect = Extract<BuilderEffect, { kind: 'late-tick' }>;

export class Harness {
  readonly builder: BuilderState;
  readonly effects: BuilderEffect[] = [];
  nowMs = 0;
  #cum = 0;

  constructor(config: Partial<BuilderConfig> = {}) {
    this.builder = createBuilder({ ...baseConfig, ...config });
  }

  /** A builder whose prints are complete from `fromMs` on. */
  static covered(fromMs: number = baseMs, config: Partial<BuilderConfig> = {}): Harness {
    return new Harness(config).gained(fromMs);
  }

  input(input: BuilderInput, nowMs: number = this.nowMs): BuilderEffect[] {
    this.nowMs = Math.max(this.nowMs, nowMs);
    const { effects } = step(this.builder, input, this.nowMs);
    this.effects.push(...effects);
    return [...effects];
  }

  /** A print; without `cum` the next one of the count. `nowMs` is when it arrives, by default at its own time. */
  trade(
    timeMs: number,
    price: string,
    size = '1',
    options: { readonly cum?: number; readonly nowMs?: number } = {},
  ): BuilderEffect[] {
    const scaled = parseSize(size);
    if (options.cum === undefined) this.#cum += scaled;
    const cumVolume = options.cum === undefined ? this.#cum : options.cum * 10_000;
    if (options.cum !== undefined) this.#cum = Math.max(this.#cum, cumVolume);
    return this.input(
      { kind: 'trade', timeMs, price: parsePrice(price), size: scaled, cumVolume },
      options.nowMs ?? timeMs,
    );
  }

  /** Prints that nobody hands over: the count goes on. */
  missed(size: string): this {
    this.#cum += parseSize(size);
    return this;
  }

  clock(nowMs: number): BuilderEffect[] {
    return this.input({ kind: 'clock' }, nowMs);
  }

  gained(fromMs: number, nowMs: number = fromMs): this {
    this.input({ kind: 'coverage-gained', fromMs }, nowMs);
    return this;
  }

  lost(atMs: number, reason = 'disconnected', nowMs: number = atMs): this {
    this.input({ kind: 'coverage-lost', atMs, reason }, nowMs);
    return this;
  }

  halt(halted: boolean, atMs: number): BuilderEffect[] {
    return this.input({ kind: 'halt', halted, atMs }, atMs);
  }

  calendar(calendar: SessionCalendar): BuilderEffect[] {
    return this.input({ kind: 'calendar', calendar });
  }

  backfill(fromMs: number, toMs: number, bars: readonly HistoricalBar[], nowMs?: number): BuilderEffect[] {
    return this.input({ kind: 'backfill', fromMs, toMs, bars }, nowMs);
  }

  get candleEffects(): CandleEffect[] {
    return this.effects.filter((effect) => effect.kind === 'candle');
  }

  get candles(): Candle[] {
    return this.candleEffects.map((effect) => effect.candle);
  }

  get gaps(): GapEffect[] {
    return this.effects.filter((effect) => effect.kind === 'gap');
  }

  get lateTicks(): LateEffect[] {
    return this.effects.filter((effect) => effect.kind === 'late-tick');
  }

  get stats() {
    return builderStats(this.builder);
  }

  get deadline(): number {
    return deadline(this.builder);
  }

  /** What a store that ranks candles would hold. */
  get stored(): Map<number, Candle> {
    return store(this.candles);
  }
}

export function store(candles: readonly Candle[]): Map<number, Candle> {
  const stored = new Map<number, Candle>();
  for (const candle of candles) {
    const known = stored.get(candle.startMs);
    if (!known || supersedes(candle, known)) stored.set(candle.startMs, candle);
  }
  return stored;
}

/** `open high low close volume` of a candle, and what marks it. */
export function brief(candle: Candle): string {
  const marks = [
    candle.source === 'live' ? '' : candle.source,
    candle.partial ? 'partial' : '',
    candle.noTrades ? 'noTrades' : '',
    candle.revision > 0 ? `r${candle.revision}` : '',
  ].filter((mark) => mark !== '');
  const { open, high, low, close, volume } = candle;
  return [open, high, low, close, volume, ...marks].join(' ');
}

export function historical(
  startMs: number,
  prices: readonly [string, string, string, string],
  volume: string,
): HistoricalBar {
  const [open, high, low, close] = prices.map((price) => parsePrice(price)) as [
    number,
    number,
    number,
    number,
  ];
  return { startMs, open, high, low, close, volume: parseSize(volume), tickCount: 3 };
}
