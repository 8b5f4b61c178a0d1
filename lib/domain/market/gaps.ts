import type { HistoricalBar } from './candle-builder.ts';

/**
 * The book of gaps: which stretches of which instrument may miss prints, and when to ask the broker's history for
 * them. A pure machine; the driver sends the requests and hands the answers back.
 *
 * It keeps to IB's pacing for historical data: 60 requests in ten minutes, not more than five in two seconds for one
 * contract, no identical request within 15 seconds. Several gaps of one instrument that wait together become one
 * request.
 */
export interface GapConfig {
  readonly maxAttempts: number;
  readonly requestsPerTenMinutes: number;
  /** Pause after a failed request; the broker's own pause between identical requests is kept beside it. */
  readonly retryMs: number;
  /** Requests that may be out at the same time. */
  readonly maxInFlight: number;
  /** An answer that has not come after this long counts as failed. */
  readonly answerTimeoutMs: number;
  /** Gaps kept at the most; going past it abandons the oldest, which is counted and told. */
  readonly maxPending: number;
}

export interface Gap {
  readonly id: string;
  readonly conId: number;
  /** Bar aligned, Unix ms UTC. */
  readonly fromMs: number;
  /** Bar aligned, exclusive. */
  readonly toMs: number;
  readonly reason: string;
  /** Requests that the broker answered or left unanswered; not those that a lost link took back. */
  attempts: number;
  /** Answers that there is no data. */
  noData: number;
  notBeforeMs: number;
  /** Key of the request that is out for it, or empty. */
  requestKey: string;
}

interface Request {
  readonly conId: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly sentAtMs: number;
  readonly gapIds: readonly string[];
}

export interface GapBook {
  readonly config: GapConfig;
  readonly gaps: Map<string, Gap>;
  readonly requests: Map<string, Request>;
  /** System times of the requests of the last ten minutes. */
  sent: { readonly atMs: number; readonly conId: number }[];
  historyAvailable: boolean;
  nextGap: number;
  nextRequest: number;
  filled: number;
  abandoned: number;
  requested: number;
  backfilledBars: number;
}

export type GapInput =
  | {
      readonly kind: 'gap';
      readonly conId: number;
      readonly fromMs: number;
      readonly toMs: number;
      readonly reason: string;
    }
  | { readonly kind: 'history'; readonly available: boolean }
  | { readonly kind: 'answer'; readonly key: string; readonly bars: readonly HistoricalBar[] }
  | { readonly kind: 'failure'; readonly key: string; readonly message: string; readonly noData: boolean }
  /** Nobody builds bars of the instrument any more: its gaps are given up, and told. */
  | { readonly kind: 'retire'; readonly conId: number; readonly reason: string }
  | { readonly kind: 'tick' };

export type GapEffect =
  | { readonly kind: 'detected'; readonly gap: Gap }
  | {
      readonly kind: 'request';
      readonly key: string;
      readonly conId: number;
      readonly fromMs: number;
      readonly toMs: number;
    }
  /** Bars for the builder; always before the `filled` of the same gap. */
  | {
      readonly kind: 'bars';
      readonly conId: number;
      readonly fromMs: number;
      readonly toMs: number;
      readonly bars: readonly HistoricalBar[];
    }
  | { readonly kind: 'filled'; readonly gap: Gap; readonly bars: number }
  | { readonly kind: 'abandoned'; readonly gap: Gap; readonly lastError: string };

export interface GapStep {
  readonly state: GapBook;
  readonly effects: readonly GapEffect[];
}

const TEN_MINUTES_MS = 600_000;
const SAME_CONTRACT_WINDOW_MS = 2_000;
const SAME_CONTRACT_MAX = 5;
const SAME_REQUEST_WINDOW_MS = 15_000;
/** History that says "no data" this often for a gap means that there was no trade in it. */
const NO_DATA_ATTEMPTS = 3;

export function createGapBook(config: GapConfig): GapBook {
  return {
    config,
    gaps: new Map(),
    requests: new Map(),
    sent: [],
    historyAvailable: false,
    nextGap: 1,
    nextRequest: 1,
    filled: 0,
    abandoned: 0,
    requested: 0,
    backfilledBars: 0,
  };
}

/**
 * One step. `systemMs` paces requests; `marketMs` decides when a gap's last bar is over and can be asked for.
 * The given state is consumed.
 */
export function step(state: GapBook, input: GapInput, systemMs: number, marketMs: number): GapStep {
  const effects: GapEffect[] = [];
  switch (input.kind) {
    case 'gap':
      add(state, input, systemMs, effects);
      break;
    case 'history':
      state.historyAvailable = input.available;
      // Answers of a link that is gone never come.
      if (!input.available) {
        for (const key of state.requests.keys())
          for (const gap of release(state, key, systemMs)) gap.attempts -= 1;
      }
      break;
    case 'answer':
      fill(state, input.key, input.bars, effects);
      break;
    case 'failure':
      fail(state, input.key, input.message, input.noData, systemMs, effects);
      break;
    case 'retire':
      for (const gap of state.gaps.values())
        if (gap.conId === input.conId) abandon(state, gap, input.reason, effects);
      break;
    case 'tick':
      break;
  }
  for (const [key, request] of state.requests) {
    if (systemMs >= request.sentAtMs + state.config.answerTimeoutMs) {
      fail(state, key, `no answer within ${state.config.answerTimeoutMs} ms`, false, systemMs, effects);
    }
  }
  request(state, systemMs, marketMs, effects);
  return { state, effects };
}

/** System time at which the book wants a `tick`; Infinity when it waits for the market clock or for nothing. */
export function deadline(state: GapBook, systemMs: number, marketMs: number): number {
  let next = Number.POSITIVE_INFINITY;
  for (const request of state.requests.values()) {
    next = Math.min(next, request.sentAtMs + state.config.answerTimeoutMs);
  }
  // With as many requests out as may be, the next moment is an answer, or the end of waiting for one.
  if (!state.historyAvailable || state.requests.size >= state.config.maxInFlight) return next;
  for (const gap of state.gaps.values()) {
    if (gap.requestKey !== '' || marketMs < gap.toMs) continue;
    next = Math.min(next, Math.max(gap.notBeforeMs, pacingFreeAtMs(state, gap.conId, systemMs)));
  }
  return next;
}

/** Start of the earliest stretch of an instrument that is still open, or Infinity. */
export function firstPendingMs(state: GapBook, conId: number): number {
  let first = Number.POSITIVE_INFINITY;
  for (const gap of state.gaps.values()) if (gap.conId === conId) first = Math.min(first, gap.fromMs);
  return first;
}

function add(
  state: GapBook,
  input: { readonly conId: number; readonly fromMs: number; readonly toMs: number; readonly reason: string },
  systemMs: number,
  effects: GapEffect[],
): void {
  if (input.toMs <= input.fromMs) return;
  if (state.gaps.size >= state.config.maxPending) {
    const oldest = state.gaps.values().next().value as Gap;
    abandon(state, oldest, `more than ${state.config.maxPending} gaps were open`, effects);
  }
  const gap: Gap = {
    id: `${input.conId}-${input.fromMs}-${state.nextGap++}`,
    conId: input.conId,
    fromMs: input.fromMs,
    toMs: input.toMs,
    reason: input.reason,
    attempts: 0,
    noData: 0,
    notBeforeMs: systemMs,
    requestKey: '',
  };
  state.gaps.set(gap.id, gap);
  effects.push({ kind: 'detected', gap });
}

function request(state: GapBook, systemMs: number, marketMs: number, effects: GapEffect[]): void {
  if (!state.historyAvailable || state.gaps.size === 0) return;
  state.sent = state.sent.filter((sent) => sent.atMs > systemMs - TEN_MINUTES_MS);
  const waiting = new Map<number, Gap[]>();
  for (const gap of state.gaps.values()) {
    if (gap.requestKey !== '' || gap.notBeforeMs > systemMs || marketMs < gap.toMs) continue;
    const group = waiting.get(gap.conId);
    if (group) group.push(gap);
    else waiting.set(gap.conId, [gap]);
  }
  for (const [conId, gaps] of waiting) {
    if (state.requests.size >= state.config.maxInFlight) return;
    if (pacingFreeAtMs(state, conId, systemMs) > systemMs) continue;
    const key = `history-${state.nextRequest++}`;
    const fromMs = Math.min(...gaps.map((gap) => gap.fromMs));
    const toMs = Math.max(...gaps.map((gap) => gap.toMs));
    for (const gap of gaps) {
      gap.requestKey = key;
      gap.attempts += 1;
    }
    state.requests.set(key, { conId, fromMs, toMs, sentAtMs: systemMs, gapIds: gaps.map((gap) => gap.id) });
    state.sent.push({ atMs: systemMs, conId });
    state.requested += 1;
    effects.push({ kind: 'request', key, conId, fromMs, toMs });
  }
}

/** When IB's pacing allows the next request for a contract, system ms. */
function pacingFreeAtMs(state: GapBook, conId: number, systemMs: number): number {
  let freeAt = 0;
  const recent = state.sent.filter((sent) => sent.atMs > systemMs - TEN_MINUTES_MS);
  if (recent.length >= state.config.requestsPerTenMinutes) {
    freeAt = recent[recent.length - state.config.requestsPerTenMinutes]!.atMs + TEN_MINUTES_MS;
  }
  const same = recent.filter(
    (sent) => sent.conId === conId && sent.atMs > systemMs - SAME_CONTRACT_WINDOW_MS,
  );
  if (same.length >= SAME_CONTRACT_MAX) {
    freeAt = Math.max(freeAt, same[same.length - SAME_CONTRACT_MAX]!.atMs + SAME_CONTRACT_WINDOW_MS);
  }
  return freeAt;
}

function fill(state: GapBook, key: string, bars: readonly HistoricalBar[], effects: GapEffect[]): void {
  const answered = state.requests.get(key);
  if (!answered) return;
  state.requests.delete(key);
  for (const id of answered.gapIds) {
    const gap = state.gaps.get(id);
    if (!gap) continue;
    const own = bars.filter((bar) => bar.startMs >= gap.fromMs && bar.startMs < gap.toMs);
    if (own.length > 0)
      effects.push({ kind: 'bars', conId: gap.conId, fromMs: gap.fromMs, toMs: gap.toMs, bars: own });
    finish(state, gap, own.length, effects);
  }
}

function fail(
  state: GapBook,
  key: string,
  message: string,
  noData: boolean,
  systemMs: number,
  effects: GapEffect[],
): void {
  // One that comes too early is refused whatever history has: it would only use up an attempt.
  const allowedAtMs = (state.requests.get(key)?.sentAtMs ?? 0) + SAME_REQUEST_WINDOW_MS;
  for (const gap of release(state, key, Math.max(systemMs + state.config.retryMs, allowedAtMs))) {
    if (noData) gap.noData += 1;
    if (gap.noData >= NO_DATA_ATTEMPTS) finish(state, gap, 0, effects);
    else if (gap.attempts >= state.config.maxAttempts) abandon(state, gap, message, effects);
  }
}

function abandon(state: GapBook, gap: Gap, lastError: string, effects: GapEffect[]): void {
  state.gaps.delete(gap.id);
  state.abandoned += 1;
  effects.push({ kind: 'abandoned', gap, lastError });
}

function finish(state: GapBook, gap: Gap, bars: number, effects: GapEffect[]): void {
  state.gaps.delete(gap.id);
  state.filled += 1;
  state.backfilledBars += bars;
  effects.push({ kind: 'filled', gap, bars });
}

/** Takes a request back; its gaps wait until `notBeforeMs`. */
function release(state: GapBook, key: string, notBeforeMs: number): Gap[] {
  const taken = state.requests.get(key);
  state.requests.delete(key);
  const gaps: Gap[] = [];
  for (const id of taken?.gapIds ?? []) {
    const gap = state.gaps.get(id);
    if (!gap) continue;
    gap.requestKey = '';
    gap.notBeforeMs = notBeforeMs;
    gaps.push(gap);
  }
  return gaps;
}
