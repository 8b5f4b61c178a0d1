/**
 * Restores the newest backup into tables of its own, checks and measures it, and removes them again. Called by the
 * clock, or by an operator. A backup that does not restore raises `drill_failed` and throws.
 */
import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { envText, readEnv } from '../../config/env.ts';
import { openBackupStore } from '../../lib/aws/backup-store.ts';
import { createEventBridgePublisher } from '../../lib/aws/clients.ts';
import { openObjectStore } from '../../lib/aws/object-store.ts';
import { openDrillTables, restoreTools } from '../../lib/aws/restore-target.ts';
import type { DrillReport } from '../../lib/backup/drill.ts';
import { drillSource } from '../../lib/events/sources.ts';
import { stages } from '../../lib/events/stage.ts';
import { run } from './run.ts';

const env = readEnv({
  STAGE: z.enum(stages),
  DRILL_PREFIX: envText(),
  BOOK_TABLE: envText(),
  BACKUP_BUCKET: envText(),
  SNAPSHOT_BUCKET: envText(),
  EVENT_BUS_NAME: envText(),
  PROGRAM_VERSION: envText(),
});
const options = {
  ...openDrillTables({ prefix: env.DRILL_PREFIX, liveBook: env.BOOK_TABLE }),
  prefix: env.DRILL_PREFIX,
  store: openBackupStore(env.BACKUP_BUCKET),
  snapshots: openObjectStore(env.SNAPSHOT_BUCKET),
  publisher: createEventBridgePublisher(env.EVENT_BUS_NAME, drillSource),
  logger: new Logger({ serviceName: 'drill' }),
  tools: restoreTools,
  stage: env.STAGE,
  programVersion: env.PROGRAM_VERSION,
  nowMs: Date.now,
};

/** @throws after the alert was raised */
export async function handler(request: unknown, context: Context): Promise<DrillReport> {
  return run(request, context.invokedFunctionArn, options);
}
