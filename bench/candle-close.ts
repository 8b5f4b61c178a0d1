import { setTimeout as sleep } from 'node:timers/promises';
import type { CloseClientMessage, CloseClientOptions, ClosedCandle } from './candle-close-client.ts';
import type { LiveFeed, LiveFeederMessage, SymbolBars } from './feed/live-feeder.ts';
import { compare } from './feed/prints.ts';
import type { BenchResult } from './figure.ts';
import { startPeer } from './processes.ts';
import { percentile } from './statistics.ts';

/**
 * From the moment at which a bar may close (its end and the grace) to the call that hands its candle to the event bus,
 * at a steady 1,000 ticks a second in real time. Many symbols and short bars, so that a percentile has closes enough
 * to stand on; all symbols close at one moment, which is the hardest case for the last of them.
 */
export interface CandleCloseOptions {
  readonly seconds: number;
  readonly say: (text: string) => void;
}

const BUDGET_P99_MS = 50;
const GRACE_MS = 2_000;
const INTERVAL_MS = 5_000;
const SYMBOLS = 25;
/** Fewer closes than this leave a 99th percentile to one or two of them. */
const CLOSES_MIN = 200;

export async function candleClose({ seconds, say }: CandleCloseOptions): Promise<BenchResult> {
  const symbols = Array.from({ length: SYMBOLS }, (_, index) => `B${String(index).padStart(2, '0')}`);
  const feed: LiveFeed = { seed: 11, symbols, ticksPerSecond: 1_000, seconds, intervalMs: INTERVAL_MS };
  const feeder = startPeer<LiveFeederMessage>('./feed/live-feeder.ts', feed);
  try {
    const { port } = await feeder.next('listening');
    const options: CloseClientOptions = { port, symbols, intervalMs: INTERVAL_MS, graceMs: GRACE_MS };
    const client = startPeer<CloseClientMessage>('./candle-close-client.ts', options);
    try {
      await client.next('ready');
      say(`  ${symbols.length} symbols are subscribed; playing for ${seconds} s`);
      feeder.send({ kind: 'go' });
      const played = await feeder.next('played');
      // The last bars close without a tick that pushes them.
      await sleep(INTERVAL_MS + GRACE_MS + 2_000);
      client.send({ kind: 'end' });
      const closed = await client.next('closed');
      await client.ended();
      return report(played, closed);
    } finally {
      client.kill();
    }
  } finally {
    feeder.kill();
  }
}

function report(
  played: Extract<LiveFeederMessage, { kind: 'played' }>,
  closed: Extract<CloseClientMessage, { kind: 'closed' }>,
): BenchResult {
  const complete = closed.candles.filter((candle) => candle.complete && candle.tickCount > 0);
  const lastStartMs = Math.max(...played.symbols.flatMap(({ bars }) => bars.map(({ startMs }) => startMs)));
  // The feed stops inside the last bar and the bar before closes in silence: no tick tells that its time has come.
  const lastTickMs = lastStartMs + INTERVAL_MS;
  const pushed = complete.filter(
    ({ startMs }) => startMs + INTERVAL_MS + GRACE_MS < lastTickMs - INTERVAL_MS,
  );
  const silent = complete.filter((candle) => !pushed.includes(candle));
  const delays = pushed.map(({ delayMs }) => delayMs);
  const wrong = faults(played.symbols, complete);
  const early = delays.filter((delay) => delay < -1).length;
  if (early > 0) wrong.push(`${early} candles before the end of the grace`);
  if (pushed.length < CLOSES_MIN) wrong.push(`only ${pushed.length} closes to measure`);
  const over = `over ${pushed.length} closes of ${played.symbols.length} symbols`;
  return {
    name: 'candle-close',
    figures: [
      { name: 'end of grace to PutEvents, p50', unit: 'ms', value: percentile(delays, 0.5), detail: over },
      {
        name: 'end of grace to PutEvents, p99',
        unit: 'ms',
        value: percentile(delays, 0.99),
        budget: { kind: 'at-most', value: BUDGET_P99_MS },
        detail: over,
      },
      {
        name: 'end of grace to PutEvents, p99.9',
        unit: 'ms',
        value: percentile(delays, 0.999),
        detail: delays.length < 1_000 ? 'the longest: fewer than 1,000 closes' : over,
      },
      ...(silent.length > 0
        ? [
            {
              name: 'the same with no tick to tell the time, longest',
              unit: 'ms',
              value: Math.max(...silent.map(({ delayMs }) => delayMs)),
              detail: `over ${silent.length} closes after the feed had stopped; the broker is asked for its time`,
            },
          ]
        : []),
    ],
    notes: [
      `${played.ticks.toLocaleString('en')} ticks in real time, bars of ${INTERVAL_MS / 1_000} s, grace ${GRACE_MS / 1_000} s; CPU of the streamer ${(closed.cpuShare * 100).toFixed(0)} %; ${closed.corrections} corrections`,
    ],
    ...(wrong.length > 0 ? { invalid: wrong.slice(0, 3).join('; ') } : {}),
  };
}

/** Candles beside a plain aggregation. The first bar of a symbol may be partial: subscriptions begin inside it. */
function faults(symbols: readonly SymbolBars[], candles: readonly ClosedCandle[]): string[] {
  return symbols.flatMap(({ conId, bars }) => {
    const own = candles.filter((candle) => candle.conId === conId);
    const firstMs = Math.min(...bars.map(({ startMs }) => startMs));
    const first = own.some(({ startMs }) => startMs === firstMs);
    return compare(first ? bars : bars.filter(({ startMs }) => startMs !== firstMs), own);
  });
}
