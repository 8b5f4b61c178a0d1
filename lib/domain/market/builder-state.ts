/** The candle builder's memory. Owned by the machine: a caller keeps the reference and never looks inside. */
import type { BuilderConfig, BuilderEffect, IgnoredReason } from './builder-types.ts';
import type { OpenBar } from './open-bar.ts';
import { createOutages, type Outages } from './outages.ts';
import type { SessionCalendar } from './sessions.ts';
import { createToldBars, type ToldBars } from './told-bars.ts';
import { createVolumeCoverage, type VolumeCoverage } from './volume-coverage.ts';

export interface BuilderState {
  readonly config: BuilderConfig;
  calendar: SessionCalendar;
  /** The market clock: never goes back. */
  nowMs: number;
  /** When the next bar closes. */
  dueMs: number;
  /** The bar of the print before, while it is open. */
  current: OpenBar | undefined;
  /** In time order. Their number is bounded by grace and interval: prints are never ahead of the clock. */
  readonly open: OpenBar[];
  /** Closed, but may still be corrected; in time order, bounded by the time for corrections. */
  readonly closed: OpenBar[];
  readonly outages: Outages;
  readonly volume: VolumeCoverage;
  readonly told: ToldBars;
  readonly flat: FlatBasis;
  halt: { fromMs: number; toMs: number };
  lostReason: string;
  /** First bar that took in a print before there was any coverage. */
  uncoveredFromMs: number;
  ended: boolean;
  readonly counts: Counts;
  /** Effects of this step. */
  out: BuilderEffect[];
  /** The answer of a step without effects, always the same object. */
  readonly idle: { readonly state: BuilderState; readonly effects: readonly BuilderEffect[] };
}

/** What the next silent minute would be shown as. */
export interface FlatBasis {
  /** The next bar that could be flat; Infinity while none may be. */
  nextMs: number;
  price: number;
  sessionDate: string;
  /** Start of the bar that the price comes from. */
  priceBarMs: number;
  /** Flat bars since that one, and the last of them. */
  count: number;
  lastMs: number;
}

interface Counts {
  trades: number;
  duplicates: number;
  lateTicks: number;
  readonly ignored: Record<IgnoredReason, number>;
  candles: number;
  corrections: number;
  flats: number;
  partials: number;
  gaps: number;
  backfilled: number;
  backfillIgnored: number;
  backfillMalformed: number;
  outranked: number;
}

export function createState(config: BuilderConfig): BuilderState {
  const state: Omit<BuilderState, 'idle'> = {
    config,
    calendar: config.calendar,
    nowMs: Number.NEGATIVE_INFINITY,
    dueMs: Number.POSITIVE_INFINITY,
    current: undefined,
    open: [],
    closed: [],
    outages: createOutages(config.intervalMs),
    volume: createVolumeCoverage(config.maxHoles ?? 64),
    told: createToldBars(config.maxRemembered ?? 4096),
    flat: {
      nextMs: Number.POSITIVE_INFINITY,
      price: Number.NaN,
      sessionDate: '',
      priceBarMs: Number.NEGATIVE_INFINITY,
      count: 0,
      lastMs: Number.NEGATIVE_INFINITY,
    },
    halt: { fromMs: Number.POSITIVE_INFINITY, toMs: Number.NEGATIVE_INFINITY },
    lostReason: config.resumeFromMs === undefined && !config.lookBackMs ? 'start' : 'restart',
    uncoveredFromMs: Number.POSITIVE_INFINITY,
    ended: false,
    counts: {
      trades: 0,
      duplicates: 0,
      lateTicks: 0,
      ignored: {
        'not-finite': 0,
        'halt-tick': 0,
        'no-data': 0,
        'negative-size': 0,
        'no-cumulative-volume': 0,
        'before-coverage': 0,
        'session-closed': 0,
      },
      candles: 0,
      corrections: 0,
      flats: 0,
      partials: 0,
      gaps: 0,
      backfilled: 0,
      backfillIgnored: 0,
      backfillMalformed: 0,
      outranked: 0,
    },
    out: [],
  };
  return Object.assign(state, { idle: { state: state as BuilderState, effects: [] } });
}

/** Start of the bar that `ms` is in. */
export function barStart(state: BuilderState, ms: number): number {
  const { intervalMs } = state.config;
  return Math.floor(ms / intervalMs) * intervalMs;
}

/** Start of the first bar that does not begin before `ms`. */
export function barStartFrom(state: BuilderState, ms: number): number {
  const { intervalMs } = state.config;
  return Math.ceil(ms / intervalMs) * intervalMs;
}

/** Bars that start before this are closed: a matter of the clock alone. */
export function closedThrough(state: BuilderState): number {
  return barStart(state, state.nowMs - state.config.graceMs);
}

/** The session date of a bar: of its last moment, so that a long bar around the opening belongs to the new session. */
export function sessionDateOf(state: BuilderState, startMs: number): string {
  return state.calendar.sessionDateAt(startMs + state.config.intervalMs - 1);
}
