/** What becomes of one message: booked, unchanged, set aside, or failed and to come again. */
import type { Logger } from '@aws-lambda-powertools/logger';
import { type BookEventOptions, bookEvent } from './book-event.ts';
import { type BookMessage, parseMessage, type RefusalOptions, refusalOf, refuse } from './refusal.ts';

export interface KeeperOptions extends BookEventOptions, RefusalOptions {
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Told what became of each message. */
  readonly count?: (what: KeptAs) => void;
}

export type KeptAs = 'booked' | 'unchanged' | 'refused' | 'retried';

/** @returns handles one message; throws for one that is to come again */
export function createKeeper(options: KeeperOptions): (message: BookMessage) => Promise<void> {
  const { logger } = options;
  return async (message) => {
    const { id: messageId, group } = message;
    try {
      await keep(message, options);
    } catch (error) {
      logger.error('failed, comes again', { messageId, group, error: error as Error });
      options.count?.('retried');
      throw error;
    }
  };
}

async function keep(message: BookMessage, options: KeeperOptions): Promise<void> {
  const { logger } = options;
  try {
    const event = parseMessage(message);
    const { result, attempts } = await bookEvent(event, options);
    options.count?.(result);
    const { id, type, account, occurredAt, recordedAt } = event;
    // `evenkeel trace` tells the way of an event by these times and its id, which is in the audit row too.
    const queuedAt = isoOf(message.sentMs);
    const receivedAt = isoOf(message.receivedMs);
    logger.info(result, { id, type, account, attempts, occurredAt, recordedAt, queuedAt, receivedAt });
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    const { id: messageId, group } = message;
    const unsaid = await refuse(message, refusal, options);
    options.count?.('refused');
    logger.error('refused, lies in the dead-letter queue', { messageId, group, reason: refusal.code });
    if (unsaid !== undefined) logger.error('the alert could not be raised', { messageId, problem: unsaid });
  }
}

function isoOf(ms: number | undefined): string | null {
  return ms === undefined || Number.isNaN(ms) ? null : new Date(ms).toISOString();
}
