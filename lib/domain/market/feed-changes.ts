/** What the feed says about itself: coverage lost and gained, trading halted and resumed. */
import { correctableFrom } from './bar-closing.ts';
import { tellGap } from './bar-emission.ts';
import { type BuilderState, barStart, barStartFrom, closedThrough } from './builder-state.ts';
import { endOutage, pruneOutages } from './outages.ts';

export function loseCoverage(state: BuilderState, atMs: number, reason: string): void {
  // Of several reasons at once the first one says since when.
  if (state.outages.current || !Number.isFinite(atMs)) return;
  state.outages.current = { fromMs: atMs, toMs: Number.POSITIVE_INFINITY, feed: true };
  state.lostReason = reason;
}

export function gainCoverage(state: BuilderState, fromMs: number): void {
  const lostAtMs = state.outages.current?.fromMs;
  if (lostAtMs === undefined || !Number.isFinite(fromMs)) return;
  const closedMs = closedThrough(state);
  let gapFromMs: number;
  if (lostAtMs === Number.NEGATIVE_INFINITY) {
    const { resumeFromMs, lookBackMs = 0 } = state.config;
    const untoldMs = resumeFromMs ?? fromMs - lookBackMs;
    gapFromMs = Math.min(barStart(state, fromMs), barStart(state, untoldMs), state.uncoveredFromMs);
  } else gapFromMs = barStart(state, lostAtMs);
  // Bars that closed while coverage was lost were told as partial, or not at all, whatever is proven now.
  const closedWhileLost = closedMs > gapFromMs ? closedMs : Number.NEGATIVE_INFINITY;
  endOutage(state.outages, Math.max(fromMs, closedWhileLost));
  pruneOutages(state.outages, correctableFrom(state) - state.config.intervalMs);
  const nothingLost = fromMs <= lostAtMs && closedWhileLost === Number.NEGATIVE_INFINITY;
  const gapToMs = nothingLost ? gapFromMs : Math.max(barStartFrom(state, fromMs), closedWhileLost);
  tellGap(state, gapFromMs, gapToMs, state.lostReason);
}

export function setHalt(state: BuilderState, halted: boolean, atMs: number): void {
  const { halt } = state;
  if (!Number.isFinite(atMs)) return;
  if (!halted) {
    if (halt.toMs === Number.POSITIVE_INFINITY) halt.toMs = atMs;
    return;
  }
  // A halt before this one may concern a minute that has not closed yet: then they count as one.
  const concerns = halt.toMs > closedThrough(state);
  state.halt = { fromMs: concerns ? halt.fromMs : atMs, toMs: Number.POSITIVE_INFINITY };
}
