/** Telling bars: closes, corrections, flat minutes, history, and the gaps that ask for it. */

import { type BuilderState, barStart, closedThrough, sessionDateOf } from './builder-state.ts';
import type { HistoricalBar } from './builder-types.ts';
import type { Candle, CandleSource, VolumeSource } from './candle.ts';
import { formatPrice, formatSize } from './fixed.ts';
import type { OpenBar } from './open-bar.ts';
import { addOutage, touched } from './outages.ts';
import { type Told, tell, toldKind } from './told-bars.ts';
import type { Hole } from './volume-coverage.ts';

interface Numbers {
  readonly startMs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly tickCount: number;
}

/** Tells a bar of prints when it closes, or again when a late print has changed it. */
export function tellBar(state: BuilderState, bar: OpenBar, partial: boolean): void {
  const { told, counts } = state;
  bar.toldPartial = partial;
  if (partial && toldKind(told, bar.startMs) === 'backfill') {
    // History outranks a partial bar, and had been told while this one was in its grace.
    counts.outranked += 1;
    return;
  }
  emit(state, bar, partial ? 'partial' : 'live', 'late-tick');
  if (partial) counts.partials += 1;
}

/** A silent minute on a live feed, at the last price. */
export function tellFlat(state: BuilderState, startMs: number): void {
  const { price } = state.flat;
  const numbers = { startMs, open: price, high: price, low: price, close: price, volume: 0, tickCount: 0 };
  emit(state, numbers, 'flat', 'late-tick');
  state.counts.flats += 1;
}

export function tellBackfill(state: BuilderState, bar: HistoricalBar): void {
  emit(state, { ...bar, volume: Math.max(0, bar.volume) }, 'backfill', 'backfill');
  state.counts.backfilled += 1;
}

function emit(state: BuilderState, numbers: Numbers, kind: Told, reason: 'late-tick' | 'backfill'): void {
  const { config, counts } = state;
  const revision = tell(state.told, numbers.startMs, kind);
  const source: CandleSource = kind === 'flat' || kind === 'backfill' ? kind : 'live';
  const volumeSource: VolumeSource = kind === 'backfill' ? 'historical' : config.volumeSource;
  const candle: Candle = {
    conId: config.conId,
    symbol: config.symbol,
    intervalMs: config.intervalMs,
    startMs: numbers.startMs,
    sessionDate: sessionDateOf(state, numbers.startMs),
    open: formatPrice(numbers.open),
    high: formatPrice(numbers.high),
    low: formatPrice(numbers.low),
    close: formatPrice(numbers.close),
    volume: formatSize(numbers.volume, config.sizeDecimals),
    tickCount: numbers.tickCount,
    source,
    volumeSource,
    partial: kind === 'partial',
    noTrades: numbers.tickCount === 0 && numbers.volume === 0,
    epoch: config.epoch,
    revision,
  };
  if (revision === 0) {
    counts.candles += 1;
    state.out.push({ kind: 'candle', type: 'completed', candle });
  } else {
    counts.corrections += 1;
    state.out.push({ kind: 'candle', type: 'corrected', candle, reason });
  }
}

/** Whether prints of a bar may be missing. Says so as a gap where a jump of the volume is the reason. */
export function isDoubtful(state: BuilderState, startMs: number, endMs: number): boolean {
  const jumped = checkHoles(state, startMs);
  return touched(state.outages, startMs, endMs) || jumped;
}

/** Whether a hole of the cumulative volume is open over a bar; tells it once. */
function checkHoles(state: BuilderState, startMs: number): boolean {
  let jumped = false;
  for (const count of state.volume.counts) {
    // The first hole is the one below the first print: there is nothing to know about it.
    for (let index = 1; index < count.holes.length; index += 1) {
      const hole = count.holes[index]!;
      if (startMs < barStart(state, Math.min(hole.fromMs, hole.toMs))) continue;
      if (startMs > barStart(state, Math.max(hole.fromMs, hole.toMs)) || isExplained(state, hole)) continue;
      jumped = true;
      reportHole(state, hole);
    }
  }
  return jumped;
}

/** A jump over an outage is that outage's, whose own gap asks for the bars. */
function isExplained(state: BuilderState, hole: Hole): boolean {
  const { current, lastGainMs } = state.outages;
  return hole.fromMs < lastGainMs || (current !== undefined && hole.toMs >= current.fromMs);
}

/**
 * Tells the bars that a hole touches as a gap. Bars told as live complete are left out at both ends: no historical
 * bar can outrank them, so that the missing print, if it was theirs, stays missing.
 */
function reportHole(state: BuilderState, hole: Hole): void {
  if (hole.reported) return;
  hole.reported = true;
  const { intervalMs } = state.config;
  let fromMs = barStart(state, Math.min(hole.fromMs, hole.toMs));
  let toMs = barStart(state, Math.max(hole.fromMs, hole.toMs)) + intervalMs;
  while (fromMs < toMs && toldKind(state.told, fromMs) === 'live') fromMs += intervalMs;
  while (toMs > fromMs && toldKind(state.told, toMs - intervalMs) === 'live') toMs -= intervalMs;
  tellGap(state, fromMs, toMs, 'volume-jump');
}

/** Holes beyond the bound: late prints can no longer fill them, their bars are doubtful for good. */
export function giveUpHoles(state: BuilderState): void {
  const { volume, config } = state;
  const holes = volume.evicted;
  volume.evicted = [];
  for (const hole of holes) {
    if (isExplained(state, hole)) continue;
    reportHole(state, hole);
    const fromMs = barStart(state, Math.min(hole.fromMs, hole.toMs));
    const toMs = barStart(state, Math.max(hole.fromMs, hole.toMs)) + config.intervalMs;
    addOutage(state.outages, { fromMs, toMs, feed: false });
  }
}

export function tellGap(state: BuilderState, fromMs: number, toMs: number, reason: string): void {
  if (!(fromMs < toMs)) return;
  state.counts.gaps += 1;
  state.out.push({ kind: 'gap', fromMs, toMs, reason });
}

/** Takes in historical bars. Malformed ones are counted, so are those that nobody asked for or that are not over. */
export function takeBackfill(
  state: BuilderState,
  fromMs: number,
  toMs: number,
  bars: readonly HistoricalBar[],
): void {
  const { config, counts, flat } = state;
  for (const bar of bars.toSorted((a, b) => a.startMs - b.startMs)) {
    const { startMs } = bar;
    if (!isSound(bar) || startMs !== barStart(state, startMs)) {
      counts.backfillMalformed += 1;
    } else if (startMs < fromMs || startMs >= toMs || startMs + config.intervalMs > state.nowMs) {
      counts.backfillIgnored += 1;
    } else if (isLiveComplete(state, startMs)) {
      counts.backfillIgnored += 1;
    } else {
      tellBackfill(state, bar);
      if (startMs > flat.priceBarMs) basePriceOn(state, startMs, bar.close);
    }
  }
}

function isLiveComplete(state: BuilderState, startMs: number): boolean {
  const kind = toldKind(state.told, startMs);
  if (kind !== undefined) return kind === 'live';
  const open = state.open.find((bar) => bar.startMs === startMs);
  return open !== undefined && !isDoubtful(state, startMs, open.endMs);
}

function isSound(bar: HistoricalBar): boolean {
  const { startMs, open, high, low, close, volume, tickCount } = bar;
  const whole = [startMs, open, high, low, close, volume, tickCount].every(Number.isSafeInteger);
  return whole && low <= Math.min(open, close) && high >= Math.max(open, close) && tickCount >= 0;
}

/** From here on silent minutes stand at the price of this bar. */
export function basePriceOn(state: BuilderState, startMs: number, price: number): void {
  const { flat, config } = state;
  flat.price = price;
  flat.sessionDate = sessionDateOf(state, startMs);
  flat.priceBarMs = startMs;
  flat.count = flat.lastMs > startMs ? Math.round((flat.lastMs - startMs) / config.intervalMs) : 0;
  const nextMs = Math.max(startMs, flat.lastMs) + config.intervalMs;
  // Minutes that have closed in silence before there was a price are not told afterwards.
  flat.nextMs = nextMs >= closedThrough(state) ? nextMs : Number.POSITIVE_INFINITY;
}
