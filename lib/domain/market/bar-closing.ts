/** When bars close: those with prints, and silent minutes between them. */
import { basePriceOn, isDoubtful, tellBar, tellFlat } from './bar-emission.ts';
import { type BuilderState, sessionDateOf } from './builder-state.ts';
import { pruneOutages, touched } from './outages.ts';
import { openThroughout } from './sessions.ts';

/** Closes every bar that is due, in time order, silent minutes among them. */
export function closeDue(state: BuilderState): void {
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
export function correctableFrom(state: BuilderState): number {
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

/** Looks again at what closes next; to be called when an input has changed something about it. */
export function plan(state: BuilderState): void {
  const { config, flat, open } = state;
  if (flat.nextMs < Number.POSITIVE_INFINITY && !mayBeFlat(state)) flat.nextMs = Number.POSITIVE_INFINITY;
  const barEndMs = open.length > 0 ? open[0]!.endMs : Number.POSITIVE_INFINITY;
  state.dueMs = Math.min(barEndMs, flat.nextMs + config.intervalMs) + config.graceMs;
}
