/**
 * Compares the broker with the book, every few minutes, when a streamer starts, after a plan, and by hand. A run that
 * fails answers FAILED, with SAFE_MODE and the lock set; only a request that is none is an error of the function.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import * as z from 'zod';
import { envText, readEnv } from '../../config/env.ts';
import { canonicalJson } from '../../lib/aws/audit-hash.ts';
import { openBookTable } from '../../lib/aws/book-table.ts';
import { createEventBridgePublisher } from '../../lib/aws/clients.ts';
import { openCommandSenders } from '../../lib/aws/command-queue.ts';
import { openLastPriceTable } from '../../lib/aws/last-price-table.ts';
import { openObjectStore } from '../../lib/aws/object-store.ts';
import { openRunLockTable } from '../../lib/aws/run-lock-table.ts';
import { reconcileSource } from '../../lib/events/sources.ts';
import { stages } from '../../lib/events/stage.ts';
import {
  parseSetting,
  type ReconcileStreamer,
  reconcileSettings,
  reconcileStreamer,
} from '../../lib/reconcile/rules.ts';
import { run } from './run.ts';

const env = readEnv({
  STAGE: z.enum(stages),
  BOOK_TABLE: envText(),
  AUDIT_TABLE: envText(),
  CONTROL_TABLE: envText(),
  CANDLES_TABLE: envText(),
  RECONCILE_BUCKET: envText(),
  SNAPSHOT_BUCKET: envText(),
  EVENT_BUS_NAME: envText(),
  STREAMERS: envText(),
  RECONCILE_RULES: envText(),
  PROGRAM_VERSION: envText(),
});
const senders = openCommandSenders();
const options = {
  stage: env.STAGE,
  settings: parseSetting('RECONCILE_RULES', env.RECONCILE_RULES, reconcileSettings),
  streamers: parseSetting('STREAMERS', env.STREAMERS, z.array(reconcileStreamer).min(1)),
  book: openBookTable({ bookTable: env.BOOK_TABLE, auditTable: env.AUDIT_TABLE }),
  runLocks: openRunLockTable(env.CONTROL_TABLE),
  sender: ({ commandQueueUrl }: ReconcileStreamer) => senders(commandQueueUrl),
  snapshots: openObjectStore(env.SNAPSHOT_BUCKET),
  store: openObjectStore(env.RECONCILE_BUCKET),
  lastPrices: openLastPriceTable(env.CANDLES_TABLE),
  publisher: createEventBridgePublisher(env.EVENT_BUS_NAME, reconcileSource),
  log: new Logger({ serviceName: 'reconcile' }),
  printLine: console.log,
  canonicalJson,
  nowMs: Date.now,
  sleep: (ms: number) => sleep(ms),
  randomHex: () => randomBytes(3).toString('hex'),
  newId: () => randomUUID(),
  programVersion: env.PROGRAM_VERSION,
};

/**
 * @param request the payload, or an event of the bus: `gateway.connected`, `plan.applied` and `plan.refused` ask for a run,
 *   `instrument.resolved` is kept in the book
 */
export async function handler(request: unknown): ReturnType<typeof run> {
  return run(request, options);
}
