/**
 * Approves, rejects and applies plans of reconcile. Called by an operator with a proof of who he is, and by the event
 * `plan.approved` for what the policy has approved. What may pass by itself throws: the call is then made again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { envText, readEnv } from '../../config/env.ts';
import { canonicalJson, digest } from '../../lib/aws/audit-hash.ts';
import { openBackupStore } from '../../lib/aws/backup-store.ts';
import { openBookTable } from '../../lib/aws/book-table.ts';
import { createEventBridgePublisher } from '../../lib/aws/clients.ts';
import { openCommandSenders } from '../../lib/aws/command-queue.ts';
import { StsVerifier } from '../../lib/aws/identity-proof.ts';
import { openObjectStore } from '../../lib/aws/object-store.ts';
import { storedKeys } from '../../lib/aws/stored-keys.ts';
import { openTableScan } from '../../lib/aws/table-scan.ts';
import { applyPlanSource, backupSource } from '../../lib/events/sources.ts';
import { stages } from '../../lib/events/stage.ts';
import type { PlanAnswer } from '../../lib/reconcile/plan-desk.ts';
import { parseSetting, reconcileSettings, reconcileStreamer } from '../../lib/reconcile/rules.ts';
import { run as makeBackup } from '../backup/run.ts';
import { run } from './run.ts';

const env = readEnv({
  STAGE: z.enum(stages),
  BOOK_TABLE: envText(),
  AUDIT_TABLE: envText(),
  RECONCILE_BUCKET: envText(),
  BACKUP_BUCKET: envText(),
  EVENT_BUS_NAME: envText(),
  STREAMERS: envText(),
  RECONCILE_RULES: envText(),
  APPROVERS: envText(),
  PROGRAM_VERSION: envText(),
  STS_ENDPOINT: envText().optional(),
  AWS_ENDPOINT_URL: envText().optional(),
});
const streamers = parseSetting('STREAMERS', env.STREAMERS, z.array(reconcileStreamer));
const { massChange } = parseSetting('RECONCILE_RULES', env.RECONCILE_RULES, reconcileSettings);
// None: everybody of the stage's AWS account who may call this function.
const named = parseSetting('APPROVERS', env.APPROVERS, z.array(z.string().min(1)));
const approvers = named.length === 0 ? ['*'] : named;
const logger = new Logger({ serviceName: 'apply-plan' });
const book = openBookTable({ bookTable: env.BOOK_TABLE, auditTable: env.AUDIT_TABLE });
const scan = openTableScan();
const senderOf = openCommandSenders();
const senders = new Map(
  streamers.map(({ account, commandQueueUrl }) => [account, senderOf(commandQueueUrl)]),
);
const backup = {
  book,
  scan,
  partitions: (table: string) => scan.partitions(table),
  store: openBackupStore(env.BACKUP_BUCKET),
  publisher: createEventBridgePublisher(env.EVENT_BUS_NAME, backupSource),
  logger,
  tables: { book: env.BOOK_TABLE, audit: env.AUDIT_TABLE },
  keys: storedKeys,
  stage: env.STAGE,
  programVersion: env.PROGRAM_VERSION,
  digest,
  nowMs: Date.now,
};
// The local cloud is asked in the sandbox alone: elsewhere nothing but STS says who somebody is.
const endpoint = env.STAGE === 'sandbox' ? (env.STS_ENDPOINT ?? env.AWS_ENDPOINT_URL) : undefined;
const options = {
  stage: env.STAGE,
  book,
  plans: openObjectStore(env.RECONCILE_BUCKET),
  canonicalJson,
  digest,
  massChange,
  identities: new StsVerifier({ endpoint }),
  approvers,
  accounts: streamers.map(({ account }) => account),
  commands: (account: string) => senders.get(account),
  publisher: createEventBridgePublisher(env.EVENT_BUS_NAME, applyPlanSource),
  logger,
  nowMs: Date.now,
  sleep: (ms: number) => sleep(ms),
};

export async function handler(request: unknown, { invokedFunctionArn }: Context): Promise<PlanAnswer> {
  return run(request, invokedFunctionArn, {
    ...options,
    backup: ({ planHash, by }) =>
      makeBackup({ trigger: 'plan', by, id: planHash }, invokedFunctionArn, backup),
  });
}
