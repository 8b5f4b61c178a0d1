/** The streamer of the benchmark of closing candles: notes when each candle is handed to the event bus. */
import { startStreamer } from './desk-client.ts';
import type { CandleNumbers } from './feed/prints.ts';

export interface CloseClientOptions {
  readonly port: number;
  readonly symbols: readonly string[];
  readonly intervalMs: number;
  readonly graceMs: number;
}

export interface ClosedCandle extends CandleNumbers {
  readonly conId: number;
  readonly complete: boolean;
  /** From the end of the bar's grace to the call of the publisher. */
  readonly delayMs: number;
}

export type CloseClientMessage =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'closed';
      readonly candles: readonly ClosedCandle[];
      readonly corrections: number;
      readonly cpuShare: number;
    };

const tell = (message: CloseClientMessage): void => {
  process.send?.(message);
};

function main({ port, symbols, intervalMs, graceMs }: CloseClientOptions): void {
  const { streamer, publisher, stop } = startStreamer({ port, symbols, candles: { intervalMs, graceMs } });
  streamer.start();
  const timer = setInterval(() => {
    if (!streamer.ready) return;
    clearInterval(timer);
    tell({ kind: 'ready' });
  }, 20);
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  const end = async (): Promise<void> => {
    const used = process.cpuUsage(cpu);
    const cpuShare = (used.user + used.system) / 1_000 / (performance.now() - startMs);
    const candles = publisher.candles.filter(({ corrected }) => !corrected);
    tell({
      kind: 'closed',
      candles: candles.map(({ candle, atMs }) => ({
        conId: candle.conId,
        startMs: candle.startMs,
        open: candle.open,
        high: candle.high,
        low: candle.low,
        close: candle.close,
        volume: candle.volume,
        tickCount: candle.tickCount,
        complete: candle.source === 'live' && !candle.partial,
        delayMs: atMs - (candle.startMs + intervalMs + graceMs),
      })),
      corrections: publisher.candles.length - candles.length,
      cpuShare,
    });
    await stop();
    process.disconnect();
  };
  process.once('message', () => void end());
}

if (process.send) {
  process.on('disconnect', () => process.exit());
  main(JSON.parse(process.argv[2] ?? '{}') as CloseClientOptions);
}
