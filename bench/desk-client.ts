import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Candle } from '../lib/domain/market/candle.ts';
import type { Envelope } from '../lib/events/envelope.ts';
import type { EventPublisher, OutgoingEvent, PublishResult } from '../lib/ports/event-publisher.ts';
import { openDelivery } from '../streamer/event-delivery.ts';
import type { Logger } from '../streamer/logger.ts';
import { epochFromClock } from '../streamer/outbox.ts';
import { Streamer } from '../streamer/streamer.ts';

/** Takes everything at once, and keeps the candles with the moment at which they came. */
export class TakingPublisher implements EventPublisher {
  readonly candles: { readonly candle: Candle; readonly atMs: number; readonly corrected: boolean }[] = [];

  publish(events: readonly OutgoingEvent[]): Promise<readonly PublishResult[]> {
    const atMs = performance.timeOrigin + performance.now();
    for (const event of events as readonly Envelope[]) {
      if (event.type === 'candle.completed')
        this.candles.push({ candle: event.data, atMs, corrected: false });
      else if (event.type === 'candle.corrected')
        this.candles.push({ candle: event.data, atMs, corrected: true });
    }
    return Promise.resolve(events.map(() => ({ ok: true })));
  }
}

export interface DeskClientOptions {
  readonly port: number;
  readonly symbols: readonly string[];
  readonly candles?: Partial<Config['candles']>;
}

/** The real streamer, with an outbox in a folder of its own that goes with it. */
export function startStreamer({ port, symbols, candles }: DeskClientOptions) {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-bench-'));
  const standard = loadConfig({
    stage: 'sandbox',
    env: {
      IB_GATEWAY_PORT: String(port),
      SYMBOLS: symbols.join(','),
      DB_PATH: join(folder, 'streamer.db'),
    },
  });
  const config: Config = { ...standard, candles: { ...standard.candles, ...candles } };
  const publisher = new TakingPublisher();
  const own = config.streamers[0]!;
  const delivery = openDelivery({ config, streamer: own, logger: loudestOnly, bus: publisher });
  const streamer = new Streamer({
    config,
    streamer: own,
    delivery,
    epoch: epochFromClock(delivery.outbox, Date.now()),
    mayWrite: () => true,
    logger: loudestOnly,
    waitForGateway: false,
    onFatal: (error) => {
      process.stderr.write(`${error.message}\n`);
      process.exit(1);
    },
  });
  const stop = async (): Promise<void> => {
    await streamer.stop();
    await delivery.close(config.shutdown.timeoutMs);
    rmSync(folder, { recursive: true, force: true });
  };
  return { streamer, publisher, config, stop };
}

/** Writing logs is no part of what is measured; what goes wrong must be seen. */
const loudestOnly: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => say('warn', message, fields),
  error: (message, fields) => say('error', message, fields),
};

function say(level: string, message: string, fields?: object): void {
  process.stderr.write(`streamer ${level}: ${message} ${fields ? JSON.stringify(fields) : ''}\n`);
}
