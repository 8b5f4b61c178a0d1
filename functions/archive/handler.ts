/**
 * Archives days as Parquet: yesterday and the two days before it, or the days that the payload names. Safe to repeat;
 * what fails raises `archive_failed` and throws, so that Lambda tries again.
 */
import { Logger } from '@aws-lambda-powertools/logger';
import { openArchiveTables } from '../../lib/aws/archive-source.ts';
import { createEventBridgePublisher } from '../../lib/aws/clients.ts';
import { bookRefOf } from '../../lib/aws/keys.ts';
import { openObjectStore } from '../../lib/aws/object-store.ts';
import { archiveSource } from '../../lib/events/sources.ts';
import { readArchiveEnv } from './env.ts';
import { type ArchiveAnswer, run } from './run.ts';

const env = readArchiveEnv();
const options = {
  ...openArchiveTables({
    bookTable: env.BOOK_TABLE,
    auditTable: env.AUDIT_TABLE,
    candlesTable: env.CANDLES_TABLE,
  }),
  store: openObjectStore(env.ARCHIVE_BUCKET),
  publisher: createEventBridgePublisher(env.EVENT_BUS_NAME, archiveSource),
  stage: env.STAGE,
  logger: new Logger({ serviceName: 'archive' }),
  refOf: bookRefOf,
  nowMs: Date.now,
};

/** @throws after the alert was raised; what was archived stays */
export async function handler(request: unknown): Promise<ArchiveAnswer> {
  return run(request, options);
}
