/** The latest bars of each contract that the page shows: read whole once, then only what can still have changed. */
import { Decimal } from 'decimal.js';
import type { Candle } from '../../lib/domain/market/candle.ts';
import type { FeedShown, MarketShown } from '../wire/shapes.ts';
import type { Answer, CommandRunner } from './commands.ts';

/** A trading day of minutes. */
const barsHeld = 390;
/** A correction comes at most a minute late, a backfill later: so many bars are read again. */
const barsAgain = 10;
const closesShown = 60;
const contractsHeld = 200;

export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly code: string;

  constructor({ code, message }: Extract<Answer, { ok: false }>) {
    super(message);
    this.code = code;
  }
}

/** What a reading command found. */
export function resultOf(answer: Answer): unknown {
  if (!answer.ok) throw new CommandFailed(answer);
  return answer.result;
}

export class Bars {
  readonly #run: Pick<CommandRunner, 'read'>;
  readonly #held = new Map<number, { bars: readonly Candle[]; wholeAtMs: number }>();
  readonly #nowMs: () => number;

  constructor(run: Pick<CommandRunner, 'read'>, nowMs: () => number) {
    this.#run = run;
    this.#nowMs = nowMs;
  }

  /** The latest bars of a contract, in order. A backfill may reach back: all of them are read again now and then. */
  async latest(conId: number, wholeEveryMs = 120_000): Promise<readonly Candle[]> {
    const now = this.#nowMs();
    const held = this.#held.get(conId);
    const from = held?.bars.at(-barsAgain)?.startMs;
    if (held === undefined || from === undefined || now - held.wholeAtMs >= wholeEveryMs) {
      const bars = await this.#read(conId, ['--latest', String(barsHeld)]);
      return this.#hold(conId, bars, now);
    }
    const news = await this.#read(conId, ['--from', new Date(from).toISOString()]);
    const kept = held.bars.filter(({ startMs }) => startMs < from);
    return this.#hold(conId, [...kept, ...news].slice(-barsHeld), held.wholeAtMs);
  }

  /** A line of the watch list. */
  async market({ conId, symbol, feed }: FeedShown): Promise<MarketShown> {
    const bars = conId === 0 ? [] : await this.latest(conId, 600_000);
    const [first, last] = [bars[0], bars.at(-1)];
    return {
      conId,
      symbol,
      feed,
      last: last?.close ?? null,
      change: first && last ? new Decimal(last.close).minus(first.open).toFixed() : null,
      lastStartMs: last?.startMs ?? null,
      bars: bars.length,
      marked: bars.filter(({ source, partial, revision }) => source !== 'live' || partial || revision > 0)
        .length,
      closes: bars.slice(-closesShown).map(({ close }) => close),
    };
  }

  #hold(conId: number, bars: readonly Candle[], wholeAtMs: number): readonly Candle[] {
    this.#held.delete(conId);
    this.#held.set(conId, { bars, wholeAtMs });
    const [oldest] = this.#held.keys();
    if (this.#held.size > contractsHeld && oldest !== undefined) this.#held.delete(oldest);
    return bars;
  }

  async #read(conId: number, range: readonly string[]): Promise<readonly Candle[]> {
    const answer = await this.#run.read(['candles', String(conId), ...range]);
    return (resultOf(answer) as { readonly candles: readonly Candle[] }).candles;
  }
}
