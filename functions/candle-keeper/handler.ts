/**
 * Keeps candles: `candle.completed` and `candle.corrected` from the bus go into the candles table. Repeats and disorder
 * are harmless, the table's condition sees to it. What cannot be stored throws: Lambda tries it again and then puts it
 * into the dead-letter queue.
 */
import { Logger } from '@aws-lambda-powertools/logger';
import type { EventBridgeEvent } from 'aws-lambda';
import { envInt, envText, readEnv } from '../../config/env.ts';
import { openCandlesTable } from '../../lib/aws/candles-table.ts';
import { parseEnvelope } from '../../lib/events/envelope.ts';

const logger = new Logger({ serviceName: 'candle-keeper' });
const env = readEnv({ CANDLES_TABLE: envText(), RETENTION_DAYS: envInt(1, 36_500) });
const candles = openCandlesTable({ tableName: env.CANDLES_TABLE, retentionDays: env.RETENTION_DAYS });

/** The rule sent an event that this function does not keep. */
export class UnexpectedEventError extends Error {
  override readonly name = 'UnexpectedEventError';
  readonly code = 'EVENT_UNEXPECTED';

  constructor(type: string, id: string) {
    super(
      `EVENT_UNEXPECTED: The rule sent ${type} (${id}); the candle keeper keeps candle.completed and candle.corrected. ` +
        'Nothing was stored. Correct the event pattern of the rule.',
    );
  }
}

/** @throws EventError for an event that is malformed, UnexpectedEventError for one of another name */
export async function handler(event: EventBridgeEvent<string, unknown>): Promise<void> {
  const envelope = parseEnvelope(event.detail);
  if (envelope.type !== 'candle.completed' && envelope.type !== 'candle.corrected') {
    throw new UnexpectedEventError(envelope.type, envelope.id);
  }
  const { conId, startMs, epoch, revision } = envelope.data;
  const result = await candles.put(envelope.data);
  logger.info(result, { id: envelope.id, conId, startMs, epoch, revision });
}
