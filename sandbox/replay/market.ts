/** The lines of a replay and their one clock: builders of candles, closed and filled in the order of time. */
import type { Candle } from '../../lib/domain/market/candle.ts';
import { supersedes } from '../../lib/domain/market/candle.ts';
import {
  type BuilderInput,
  type BuilderState,
  createBuilder,
  deadline,
  step,
} from '../../lib/domain/market/candle-builder.ts';
import { sizeDecimalsFor } from '../../lib/domain/market/fixed.ts';
import { createCalendar, type SessionCalendar } from '../../lib/domain/market/sessions.ts';
import type { TapeContract } from '../tapes/contracts.ts';
import type { Outage } from './faulty-arrivals.ts';
import type { TapeHistory } from './history.ts';

export interface Line {
  readonly symbol: string;
  readonly builder: BuilderState;
  readonly calendar: SessionCalendar;
  readonly sizeDecimals: number;
  readonly candles: Map<number, Candle>;
  /** Spans of which bars may miss prints, as they were told. */
  readonly gaps: { readonly fromMs: number; readonly toMs: number }[];
  /** What the broker says of past bars; only a disturbed replay asks. */
  history: TapeHistory | undefined;
}

/** Told of every statement about a bar, in their order. */
export type OnStatement = (candle: Candle, type: 'completed' | 'corrected') => void;

const graceMs = 2_000;

interface MarketOptions {
  readonly startMs: number;
  readonly intervalMs: number;
  readonly onStatement: OnStatement;
  readonly outages: readonly Outage[];
}

/** One clock for all symbols, as the streamer has it; what is due by then happens in the order of time. */
export class Market {
  readonly #lines: ReadonlyMap<string, Line>;
  readonly #options: MarketOptions;
  readonly #edges: { readonly atMs: number; readonly act: () => void }[];
  #nowMs: number;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(lines: ReadonlyMap<string, Line>, options: MarketOptions) {
    this.#lines = lines;
    this.#options = options;
    this.#nowMs = options.startMs;
    this.#edges = options.outages.flatMap(({ fromMs, toMs }) => [
      {
        atMs: fromMs,
        act: () => this.#all({ kind: 'coverage-lost', atMs: fromMs, reason: 'disconnected' }),
      },
      { atMs: toMs, act: () => this.#all({ kind: 'coverage-gained', fromMs: toMs }) },
    ]);
  }

  moveTo(atMs: number): void {
    while ((this.#edges[0]?.atMs ?? Number.POSITIVE_INFINITY) <= atMs) {
      const edge = this.#edges.shift()!;
      this.#closeAt(edge.atMs);
      edge.act();
    }
    this.#closeAt(atMs);
  }

  step(line: Line, input: BuilderInput): void {
    for (const effect of step(line.builder, input, this.#nowMs).effects) {
      if (effect.kind === 'candle') this.#take(line, effect.candle, effect.type);
      else if (effect.kind === 'gap') this.#gap(line, effect);
    }
    this.#dueMs = Math.min(this.#dueMs, deadline(line.builder));
  }

  /** The market goes on after the tape for as long as it takes to close its last bar. */
  end(): void {
    const { intervalMs } = this.#options;
    const lastMs = Math.floor(this.#nowMs / intervalMs) * intervalMs + intervalMs + graceMs;
    this.moveTo(Math.max(lastMs, ...this.#edges.map(({ atMs }) => atMs)));
  }

  #closeAt(atMs: number): void {
    if (atMs > this.#nowMs) this.#nowMs = atMs;
    if (this.#nowMs < this.#dueMs) return;
    this.#dueMs = Number.POSITIVE_INFINITY;
    for (const line of this.#lines.values()) {
      if (deadline(line.builder) <= this.#nowMs) this.step(line, { kind: 'clock' });
      this.#dueMs = Math.min(this.#dueMs, deadline(line.builder));
    }
  }

  #all(input: BuilderInput): void {
    for (const line of this.#lines.values()) this.step(line, input);
  }

  /** History is asked for when the last bar of the gap has ended and there is somebody to ask. */
  #gap(line: Line, { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): void {
    line.gaps.push({ fromMs, toMs });
    const { history } = line;
    if (history === undefined) return;
    const endedMs = Math.max(this.#nowMs, toMs + graceMs);
    const outage = this.#options.outages.find((each) => each.fromMs <= endedMs && endedMs < each.toMs);
    const atMs = outage?.toMs ?? endedMs;
    const act = () =>
      this.step(line, { kind: 'backfill', fromMs, toMs, bars: history.between(fromMs, toMs) });
    const place = this.#edges.findIndex((edge) => edge.atMs > atMs);
    this.#edges.splice(place === -1 ? this.#edges.length : place, 0, { atMs, act });
  }

  #take(line: Line, candle: Candle, type: 'completed' | 'corrected'): void {
    this.#options.onStatement(candle, type);
    const stored = line.candles.get(candle.startMs);
    if (!stored || supersedes(candle, stored)) line.candles.set(candle.startMs, candle);
  }
}

export function createLine(contract: TapeContract, intervalMs: number): Line {
  const calendar = createCalendar(contract.tradingHours, contract.timeZone);
  const sizeDecimals = sizeDecimalsFor(contract.secType);
  return {
    symbol: contract.localSymbol,
    calendar,
    sizeDecimals,
    candles: new Map(),
    gaps: [],
    history: undefined,
    builder: createBuilder({
      conId: contract.conId,
      symbol: contract.localSymbol,
      intervalMs,
      graceMs,
      correctionMs: 60_000,
      flatBarsMax: 2,
      volumeSource: 'rtvolume',
      sizeDecimals,
      epoch: 0,
      calendar,
    }),
  };
}
