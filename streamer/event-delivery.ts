import { Outbox } from './outbox.ts';
import { Publisher } from './publisher.ts';
import type { StreamerOptions } from './streamer-options.ts';

/** The way of an event out of the process: the outbox on disk, and the publisher that empties it. */
export interface EventDelivery {
  readonly outbox: Outbox;
  readonly publisher: Publisher;
}

/** @throws OutboxError when the file is in use, belongs to another streamer, or cannot be opened */
export function openDelivery(options: StreamerOptions, startedAtMs: number): EventDelivery {
  const { config, streamer, logger } = options;
  const outbox = new Outbox({
    path: streamer.dbPath,
    owner: `${config.stage}/${streamer.account}/${streamer.name}`,
    maxEvents: config.outbox.maxEvents,
    alertAtUtilisation: config.outbox.alertAtUtilisation,
    startedAtSeconds: Math.floor(startedAtMs / 1000),
  });
  if (outbox.recoveredFrom) {
    logger.error('The outbox could not be read and was put aside; gaps are filled from history', {
      file: outbox.recoveredFrom,
    });
  }
  const publisher = new Publisher(
    outbox,
    options.publisher,
    { concurrency: config.outbox.publishConcurrency, retryFirstMs: 100, retryMaxMs: 30_000 },
    (row, code, message) =>
      logger.error('An event can never be published and was put aside in the outbox', {
        event: row.name,
        id: row.envelope.id,
        code,
        message,
      }),
  );
  return { outbox, publisher };
}
