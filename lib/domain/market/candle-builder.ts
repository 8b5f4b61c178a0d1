/**
 * Turns the prints of one instrument into bars. A pure machine: what time it is comes with every input, and the same
 * inputs give the same effects. The rules, each with its reason and its test, are in docs/candles.md.
 *
 * A bar [start, start + interval) closes when the market clock reaches start + interval + grace; no later tick is
 * needed for it. Whether a bar is closed is thus a matter of the clock alone, and bars close in time order.
 */
import { closeDue, plan } from './bar-closing.ts';
import { basePriceOn, giveUpHoles, isDoubtful, takeBackfill, tellBar, tellFlat } from './bar-emission.ts';
import { type BuilderState, barStart, closedThrough, createState } from './builder-state.ts';
import type { BuilderConfig, BuilderEffect, BuilderInput, BuilderStats } from './builder-types.ts';
import { gainCoverage, loseCoverage, setHalt } from './feed-changes.ts';
import { addByArrival, addByKey, type OpenBar, openBar } from './open-bar.ts';
import { beforeCoverage } from './outages.ts';
import { toldKind } from './told-bars.ts';
import { coverVolume } from './volume-coverage.ts';

export type { BuilderState } from './builder-state.ts';
export type {
  BuilderConfig,
  BuilderEffect,
  BuilderInput,
  BuilderStats,
  HistoricalBar,
} from './builder-types.ts';

export interface BuilderStep {
  readonly state: BuilderState;
  readonly effects: readonly BuilderEffect[];
}

const noPriceScaled = -100_000_000;
/** Some 50 years before the end of what a date can be: beyond it there are no session dates. */
const timeMsMax = 8.638e15;

export function createBuilder(config: BuilderConfig): BuilderState {
  return createState(config);
}

/** The market time (Unix ms) at which the next `clock` closes something; Infinity when nothing is open. */
export function deadline(state: BuilderState): number {
  return state.dueMs;
}

/**
 * One step. `nowMs` is the market clock, Unix ms UTC: never behind the latest print, except for prints out of order.
 * The given state is consumed. A step without effects allocates nothing.
 */
export function step(state: BuilderState, input: BuilderInput, nowMs: number): BuilderStep {
  if (state.ended) return state.idle;
  if (nowMs > state.nowMs && nowMs < Number.POSITIVE_INFINITY) state.nowMs = nowMs;
  if (input.kind === 'trade') {
    takeTrade(state, input.timeMs, input.price, input.size, input.cumVolume);
  } else {
    closeDue(state);
    takeOther(state, input);
  }
  if (state.out.length === 0) return state.idle;
  const effects = state.out;
  state.out = [];
  return { state, effects };
}

function takeOther(state: BuilderState, input: Exclude<BuilderInput, { kind: 'trade' }>): void {
  switch (input.kind) {
    case 'clock':
      return;
    case 'coverage-lost':
      loseCoverage(state, input.atMs, input.reason);
      break;
    case 'coverage-gained':
      gainCoverage(state, input.fromMs);
      break;
    case 'halt':
      setHalt(state, input.halted, input.atMs);
      break;
    case 'calendar':
      state.calendar = input.calendar;
      break;
    case 'backfill':
      takeBackfill(state, input.fromMs, input.toMs, input.bars);
      break;
    case 'shutdown':
      shutdown(state);
      return;
  }
  plan(state);
}

function takeTrade(state: BuilderState, timeMs: number, price: number, size: number, cum: number): void {
  const { counts } = state;
  const { ignored } = counts;
  if (
    !Number.isSafeInteger(price) ||
    !Number.isSafeInteger(size) ||
    !Number.isSafeInteger(cum) ||
    !(timeMs >= 0 && timeMs < timeMsMax)
  ) {
    ignored['not-finite'] += 1;
    closeDue(state);
    return;
  }
  if (timeMs > state.nowMs) state.nowMs = timeMs;
  if (state.nowMs >= state.dueMs) closeDue(state);
  if (size <= 0) {
    if (size < 0) {
      ignored['negative-size'] += 1;
      return;
    }
    if (price === 0) {
      ignored['halt-tick'] += 1;
      return;
    }
    if (price === noPriceScaled) {
      ignored['no-data'] += 1;
      return;
    }
  }
  const byKey = state.config.volumeSource === 'rtvolume';
  if (byKey) {
    if (cum < 0) {
      ignored['no-cumulative-volume'] += 1;
      return;
    }
    if (!coverVolume(state.volume, state.calendar, timeMs, size, cum)) {
      counts.duplicates += 1;
      return;
    }
    if (state.volume.evicted.length > 0) giveUpHoles(state);
  }
  let bar = state.current;
  if (bar === undefined || timeMs < bar.startMs || timeMs >= bar.endMs) {
    const startMs = barStart(state, timeMs);
    bar = state.open.find((open) => open.startMs === startMs);
    if (bar === undefined) {
      takeFirst(state, startMs, timeMs, price, size, cum);
      return;
    }
    state.current = bar;
  }
  if (!Number.isSafeInteger(bar.volume + size)) {
    ignored['not-finite'] += 1;
    return;
  }
  if (byKey) addByKey(bar, timeMs, price, size, cum);
  else addByArrival(bar, price, size);
  counts.trades += 1;
}

/** A print whose bar is not open: its first one, or a late one. */
function takeFirst(
  state: BuilderState,
  startMs: number,
  timeMs: number,
  price: number,
  size: number,
  cum: number,
): void {
  const { counts, outages } = state;
  const endMs = startMs + state.config.intervalMs;
  const isClosed = state.nowMs >= endMs + state.config.graceMs;
  const closed = isClosed ? state.closed.find((bar) => bar.startMs === startMs) : undefined;
  const neverCovered = outages.current?.fromMs === Number.NEGATIVE_INFINITY;
  if (closed === undefined) {
    if (neverCovered ? isClosed : beforeCoverage(outages, endMs)) {
      counts.ignored['before-coverage'] += 1;
      return;
    }
    if (size === 0 && isOutside(state, timeMs)) {
      counts.ignored['session-closed'] += 1;
      return;
    }
  }
  if (isClosed) {
    takeLate(state, closed, startMs, timeMs, price, size, cum);
    return;
  }
  if (neverCovered && startMs < state.uncoveredFromMs) state.uncoveredFromMs = startMs;
  const bar = openBar(startMs, endMs, timeMs, price, size, cum);
  insert(state.open, bar);
  state.current = bar;
  counts.trades += 1;
  plan(state);
}

/** A price without volume in closed hours, and no trade of that session yet: an indication, or the last close again. */
function isOutside(state: BuilderState, timeMs: number): boolean {
  if (state.calendar.stateAt(timeMs) !== 'closed') return false;
  return state.flat.sessionDate !== state.calendar.sessionDateAt(timeMs);
}

function takeLate(
  state: BuilderState,
  closed: OpenBar | undefined,
  startMs: number,
  timeMs: number,
  price: number,
  size: number,
  cum: number,
): void {
  const { config, counts } = state;
  const endMs = startMs + config.intervalMs;
  const latenessMs = state.nowMs - endMs;
  const inTime = latenessMs <= config.graceMs + config.correctionMs;
  if (!inTime || toldKind(state.told, startMs) === 'backfill') {
    counts.lateTicks += 1;
    state.out.push({ kind: 'late-tick', timeMs, price, size, latenessMs });
    return;
  }
  if (closed && !Number.isSafeInteger(closed.volume + size)) {
    counts.ignored['not-finite'] += 1;
    return;
  }
  // A bar told as complete stays so: as partial it would not outrank what it corrects.
  const doubtful = isDoubtful(state, startMs, endMs);
  let bar = closed;
  if (bar === undefined) {
    bar = openBar(startMs, endMs, timeMs, price, size, cum);
    bar.toldPartial = true;
    insert(state.closed, bar);
  } else if (config.volumeSource === 'rtvolume') addByKey(bar, timeMs, price, size, cum);
  else addByArrival(bar, price, size);
  counts.trades += 1;
  tellBar(state, bar, doubtful && bar.toldPartial);
  correctFlats(state, bar);
  plan(state);
}

/** Flat bars stand at the price of the bar before them: a correction of its close is one of theirs. */
function correctFlats(state: BuilderState, bar: OpenBar): void {
  const { config, flat } = state;
  if (bar.startMs < flat.priceBarMs) return;
  if (bar.startMs === flat.priceBarMs && bar.close === flat.price) return;
  if (bar.startMs === flat.priceBarMs) flat.price = bar.close;
  else basePriceOn(state, bar.startMs, bar.close);
  for (let startMs = bar.endMs; toldKind(state.told, startMs) === 'flat'; startMs += config.intervalMs) {
    tellFlat(state, startMs);
  }
}

function shutdown(state: BuilderState): void {
  for (const bar of state.open) tellBar(state, bar, true);
  state.open.length = 0;
  state.current = undefined;
  state.dueMs = Number.POSITIVE_INFINITY;
  state.ended = true;
}

/** Keeps the list in time order; it has a handful of entries. */
function insert(bars: OpenBar[], bar: OpenBar): void {
  let index = bars.length;
  while (index > 0 && bars[index - 1]!.startMs > bar.startMs) index -= 1;
  bars.splice(index, 0, bar);
}

export function builderStats(state: BuilderState): BuilderStats {
  const closedMs = closedThrough(state);
  return {
    ...state.counts,
    ignored: { ...state.counts.ignored },
    overflows: {
      holes: state.volume.evictions,
      remembered: state.told.forgotten,
    },
    closedThroughMs: Math.max(closedMs, 0),
    openBars: state.open.length,
    holes: state.volume.counts.reduce((sum, count) => sum + Math.max(0, count.holes.length - 1), 0),
    covered: state.outages.current === undefined,
  };
}
