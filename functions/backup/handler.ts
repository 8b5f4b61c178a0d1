/**
 * Backs up book, audit trail and, by choice, candles of the stage. Called by the clock, by an operator, before a plan
 * is applied and before a restore into a book in use. What fails raises `backup_failed` and throws.
 */
import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { envInt, envText, readEnv } from '../../config/env.ts';
import { digest } from '../../lib/aws/audit-hash.ts';
import { openBackupStore } from '../../lib/aws/backup-store.ts';
import { openBookTable } from '../../lib/aws/book-table.ts';
import { createEventBridgePublisher } from '../../lib/aws/clients.ts';
import { storedKeys } from '../../lib/aws/stored-keys.ts';
import { openTableScan } from '../../lib/aws/table-scan.ts';
import { backupSource } from '../../lib/events/sources.ts';
import { stages } from '../../lib/events/stage.ts';
import { metricsLine } from './metrics-line.ts';
import { type BackupAnswer, run } from './run.ts';

const env = readEnv({
  STAGE: z.enum(stages),
  BOOK_TABLE: envText(),
  AUDIT_TABLE: envText(),
  CANDLES_TABLE: envText(),
  BACKUP_BUCKET: envText(),
  EVENT_BUS_NAME: envText(),
  RETENTION_DAYS: envInt(1, 36_500),
  KEEP_AT_LEAST: envInt(1, 10_000),
  INCLUDE_CANDLES: z.enum(['true', 'false']),
  PROGRAM_VERSION: envText(),
});
const tables = { book: env.BOOK_TABLE, audit: env.AUDIT_TABLE, candles: env.CANDLES_TABLE };
const scan = openTableScan();
const options = {
  book: openBookTable({ bookTable: tables.book, auditTable: tables.audit }),
  scan,
  partitions: (table: string) => scan.partitions(table),
  store: openBackupStore(env.BACKUP_BUCKET),
  publisher: createEventBridgePublisher(env.EVENT_BUS_NAME, backupSource),
  logger: new Logger({ serviceName: 'backup' }),
  tables,
  keys: storedKeys,
  stage: env.STAGE,
  programVersion: env.PROGRAM_VERSION,
  retention: { retentionDays: env.RETENTION_DAYS, keepAtLeast: env.KEEP_AT_LEAST },
  candles: env.INCLUDE_CANDLES === 'true',
  digest,
  nowMs: Date.now,
};

/** @throws after the alert was raised; then there is no new backup, and whoever asked does not go on */
export async function handler(request: unknown, context: Context): Promise<BackupAnswer> {
  const made = await run(request, context.invokedFunctionArn, options);
  console.log(metricsLine(made, env.STAGE, Date.now()));
  return made;
}
