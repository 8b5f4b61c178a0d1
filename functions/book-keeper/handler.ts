/**
 * Keeps the book: order, fill, commission, position and balance events from the queue, each with its audit row in one
 * transaction. What comes again changes nothing. What can never be booked goes to the dead-letter queue with its
 * reason, and an alert is raised; what fails for another cause stays in the queue.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import * as z from 'zod';
import { envText, readEnv } from '../../config/env.ts';
import { openBookTable } from '../../lib/aws/book-table.ts';
import { createEventBridgePublisher } from '../../lib/aws/clients.ts';
import { openDeadLetterQueue } from '../../lib/aws/dead-letter-queue.ts';
import { bookKeeperSource } from '../../lib/events/envelope.ts';
import { stages } from '../../lib/events/stage.ts';
import { handleGroups } from './batch.ts';
import { createKeeper } from './keeper.ts';
import { Tally } from './tally.ts';

/** Time that is kept for a message that is under way, and for the answer. */
const reserveMs = 6_000;

const env = readEnv({
  STAGE: z.enum(stages),
  BOOK_TABLE: envText(),
  AUDIT_TABLE: envText(),
  DEAD_LETTER_QUEUE_URL: envText(),
  EVENT_BUS_NAME: envText(),
});
const tally = new Tally(env.STAGE);
const keep = createKeeper({
  book: openBookTable({ bookTable: env.BOOK_TABLE, auditTable: env.AUDIT_TABLE }),
  deadLetters: openDeadLetterQueue(env.DEAD_LETTER_QUEUE_URL),
  publisher: createEventBridgePublisher(env.EVENT_BUS_NAME, bookKeeperSource),
  stage: env.STAGE,
  logger: new Logger({ serviceName: 'book-keeper' }),
  nowMs: Date.now,
  random: Math.random,
  sleep,
  count: (what) => tally.count(what),
});

/** Never throws: the messages that failed are named in the answer, and come again. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const answer = await handleGroups(
    event.Records,
    keep,
    () => context.getRemainingTimeInMillis() > reserveMs,
  );
  const line = tally.take(Date.now());
  if (line !== undefined) console.log(line);
  return answer;
}
