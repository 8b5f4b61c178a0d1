/**
 * Looks at every account from outside its streamer, each minute: is there a heartbeat, has the book a working stop for
 * each open position, and are broker and book still compared, by the streamer and by reconcile. What is wrong goes to the bus as `alert.raised`.
 */
import { Logger } from '@aws-lambda-powertools/logger';
import * as z from 'zod';
import { envInt, envText, readEnv } from '../../config/env.ts';
import { openBookTable } from '../../lib/aws/book-table.ts';
import { createEventBridgePublisher } from '../../lib/aws/clients.ts';
import { openHeartbeatTable } from '../../lib/aws/heartbeat-table.ts';
import { openWatchdogTable } from '../../lib/aws/watchdog-table.ts';
import { watchdogSource } from '../../lib/events/sources.ts';
import { stages } from '../../lib/events/stage.ts';
import { parseSetting, reconcileSettings } from '../../lib/reconcile/rules.ts';
import { run } from './run.ts';

const env = readEnv({
  STAGE: z.enum(stages),
  BOOK_TABLE: envText(),
  CONTROL_TABLE: envText(),
  EVENT_BUS_NAME: envText(),
  ACCOUNTS: envText(),
  RESET_WINDOWS: envText(),
  NO_STOP_NEEDED: envText(),
  RECONCILE_LATE_MS: envInt(60_000, 172_800_000),
  LISTS_LATE_MS: envInt(60_000, 172_800_000),
});
const watched = z.strictObject({ account: z.string().min(1), streamer: z.string().min(1) });
const { resetWindows, noStopNeeded } = reconcileSettings.shape;
const options = {
  stage: env.STAGE,
  accounts: parseSetting('ACCOUNTS', env.ACCOUNTS, z.array(watched).min(1)),
  resetWindows: parseSetting('RESET_WINDOWS', env.RESET_WINDOWS, resetWindows),
  noStopNeeded: parseSetting('NO_STOP_NEEDED', env.NO_STOP_NEEDED, noStopNeeded),
  late: { reconcileMs: env.RECONCILE_LATE_MS, listsMs: env.LISTS_LATE_MS },
  heartbeats: openHeartbeatTable({ tableName: env.CONTROL_TABLE }),
  // It only reads: the audit trail is none of its business.
  book: openBookTable({ bookTable: env.BOOK_TABLE, auditTable: '' }),
  store: openWatchdogTable(env.CONTROL_TABLE),
  publisher: createEventBridgePublisher(env.EVENT_BUS_NAME, watchdogSource),
  logger: new Logger({ serviceName: 'watchdog' }),
  nowMs: Date.now,
  failures: new Map(),
};

/** @throws WatchdogError */
export async function handler(): ReturnType<typeof run> {
  return run(options);
}
