import type { Config, StreamerConfig } from '../config/schema.ts';
import { type Envelope, eventId } from '../lib/events/envelope.ts';
import type { EventPublisher } from '../lib/ports/event-publisher.ts';
import type { Logger } from './logger.ts';
import { OutboxError } from './outbox-file.ts';

/** The bus has so long for it: whoever waits for the lease does not wait for a message. */
const answerMs = 3_000;

export interface LastWordOptions {
  readonly config: Config;
  readonly streamer: StreamerConfig;
  readonly bus: EventPublisher;
  readonly logger: Pick<Logger, 'warn'>;
  /** System time, Unix ms. */
  readonly nowMs: () => number;
}

/** Whether the disk is why the streamer cannot go on: then nobody else can say so. */
export function isDiskFault(error: unknown): error is OutboxError {
  return (
    error instanceof OutboxError && (error.code === 'OUTBOX_UNWRITABLE' || error.code === 'OUTBOX_UNUSABLE')
  );
}

/**
 * Tells that the outbox cannot be written: past it, straight to the bus. Nothing else goes this way, because what does is
 * neither kept nor sent again. It belongs to no term of the lease, hence epoch 0. Never throws.
 */
export async function tellLastWord(
  error: OutboxError,
  { config, streamer, bus, logger, nowMs }: LastWordOptions,
): Promise<void> {
  const atMs = nowMs();
  const at = new Date(atMs).toISOString();
  const seq = Math.floor(atMs / 1000);
  const envelope: Envelope<'alert.raised'> = {
    id: eventId(streamer.name, 0, seq),
    type: 'alert.raised',
    version: 1,
    stage: config.stage,
    streamer: streamer.name,
    account: streamer.account,
    epoch: 0,
    seq,
    occurredAt: at,
    recordedAt: at,
    data: {
      alert: 'outbox_unwritable',
      severity: 'CRITICAL',
      subject: `streamer ${streamer.name}`,
      message: error.message,
    },
  };
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${answerMs} ms`)), answerMs);
  try {
    const [result] = await Promise.race([bus.publish([envelope]), late]);
    if (result?.ok !== true) throw new Error(result ? `${result.code}: ${result.message}` : 'no answer');
  } catch (problem) {
    logger.warn('The bus did not take the word that the outbox cannot be written', {
      problem: String(problem),
    });
  } finally {
    clearTimeout(timer);
  }
}
