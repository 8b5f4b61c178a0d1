/**
 * Turns the prints of one instrument into bars. A pure machine: what time it is comes with every input, and the same
 * inputs give the same effects. The rules, each with its reason and its test, are in docs/candles.md.
 *
 * A bar [start, start + interval) closes when the market clock reaches start + interval + grace; no later tick is
 * needed for it. Whether a bar is closed is thus a matter of the clock alone, and bars close in time order.
 */
import {
  basePriceOn,
  giveUpHoles,
  isDoubtful,
  takeBackfill,
  tellBar,
  tellFlat,
  tellGap,
} from './bar-emission.ts';
import {
  type BuilderState,
  barStart,
  barStartFrom,
  closedThrough,
  createState,
  sessionDateOf,
} from './builder-state.ts';
import type { BuilderConfig, BuilderEffect, BuilderInput, BuilderStats } from './builder-types.ts';
import { addByArrival, addByKey, type OpenBar, openBar } from './open-bar.ts';
import { beforeCoverage, endOutage, pruneOutages, touched } from './outages.ts';
import { openThroughout } from './sessions.ts';
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

/** Closes every bar that is due, in time order, silent minutes among them. */
function closeDue(state: BuilderState): void {
  if (state.nowMs < state.dueMs) return;
  const { config, flat, open } = state;
  const { intervalMs, graceMs } = config;
  const lastEndMs = state.nowMs - graceMs;
  for (;;) {
    const bar = open[0];
    if (flat.nextMs + intervalMs <= lastEndMs && !(bar && bar.startMs <= flat.nextMs)) {
      closeSilent(state);
    } else if (bar && bar.endMs <= lastEndMs) {
      open.shift();
      if (state.current === bar) state.current = undefined;
      tellBar(state, bar, isDoubtful(state, bar.startMs, bar.endMs));
      state.closed.push(bar);
      basePriceOn(state, bar.startMs, bar.close);
      // However late the clock comes, the minutes after the bar are looked at one by one.
      flat.nextMs = bar.endMs;
      if (!mayBeFlat(state)) flat.nextMs = Number.POSITIVE_INFINITY;
    } else break;
  }
  const keepFromMs = correctableFrom(state);
  while (state.closed.length > 0 && state.closed[0]!.endMs < keepFromMs) state.closed.shift();
  pruneOutages(state.outages, keepFromMs - intervalMs);
  plan(state);
}

/** Bars that ended before this can no longer change. */
function correctableFrom(state: BuilderState): number {
  return state.nowMs - state.config.graceMs - state.config.correctionMs;
}

function closeSilent(state: BuilderState): void {
  const { flat, config } = state;
  if (mayBeFlat(state)) {
    tellFlat(state, flat.nextMs);
    flat.lastMs = flat.nextMs;
    flat.count += 1;
    flat.nextMs += config.intervalMs;
  }
  // Once a minute could not be flat there is none until a trade brings a new price.
  if (!mayBeFlat(state)) flat.nextMs = Number.POSITIVE_INFINITY;
}

/** Silence is shown only where it is known to be silence: live feed, session known to be open, no halt. */
function mayBeFlat(state: BuilderState): boolean {
  const { flat, halt, config, calendar } = state;
  const startMs = flat.nextMs;
  const endMs = startMs + config.intervalMs;
  return (
    startMs < Number.POSITIVE_INFINITY &&
    flat.count < config.flatBarsMax &&
    !(halt.fromMs < endMs && halt.toMs > startMs) &&
    !touched(state.outages, startMs, endMs) &&
    openThroughout(calendar, startMs, endMs) &&
    sessionDateOf(state, startMs) === flat.sessionDate
  );
}

function plan(state: BuilderState): void {
  const { config, flat, open } = state;
  if (flat.nextMs < Number.POSITIVE_INFINITY && !mayBeFlat(state)) flat.nextMs = Number.POSITIVE_INFINITY;
  const barEndMs = open.length > 0 ? open[0]!.endMs : Number.POSITIVE_INFINITY;
  state.dueMs = Math.min(barEndMs, flat.nextMs + config.intervalMs) + config.graceMs;
}

function loseCoverage(state: BuilderState, atMs: number, reason: string): void {
  // Of several reasons at once the first one says since when.
  if (state.outages.current || !Number.isFinite(atMs)) return;
  state.outages.current = { fromMs: atMs, toMs: Number.POSITIVE_INFINITY, feed: true };
  state.lostReason = reason;
}

function gainCoverage(state: BuilderState, fromMs: number): void {
  const lostAtMs = state.outages.current?.fromMs;
  if (lostAtMs === undefined || !Number.isFinite(fromMs)) return;
  const closedMs = closedThrough(state);
  let gapFromMs: number;
  if (lostAtMs === Number.NEGATIVE_INFINITY) {
    gapFromMs = Math.min(barStart(state, fromMs), barStart(state, state.resumeFromMs), state.uncoveredFromMs);
  } else gapFromMs = barStart(state, lostAtMs);
  // Bars that closed while coverage was lost were told as partial, or not at all, whatever is proven now.
  const closedWhileLost = closedMs > gapFromMs ? closedMs : Number.NEGATIVE_INFINITY;
  endOutage(state.outages, Math.max(fromMs, closedWhileLost));
  pruneOutages(state.outages, correctableFrom(state) - state.config.intervalMs);
  const nothingLost = fromMs <= lostAtMs && closedWhileLost === Number.NEGATIVE_INFINITY;
  const gapToMs = nothingLost ? gapFromMs : Math.max(barStartFrom(state, fromMs), closedWhileLost);
  tellGap(state, gapFromMs, gapToMs, state.lostReason);
}

function setHalt(state: BuilderState, halted: boolean, atMs: number): void {
  const { halt, config } = state;
  if (!Number.isFinite(atMs)) return;
  if (!halted) {
    if (halt.toMs === Number.POSITIVE_INFINITY) halt.toMs = atMs;
    return;
  }
  // A halt soon after another one: minutes between them that have not closed are not worth telling apart.
  const soon = atMs - halt.toMs <= config.intervalMs + config.graceMs;
  state.halt = { fromMs: soon ? halt.fromMs : atMs, toMs: Number.POSITIVE_INFINITY };
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
