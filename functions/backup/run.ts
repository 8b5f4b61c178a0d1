/** One backup on request: made, old ones marked, and said on the bus how it went. */
import type { Logger } from '@aws-lambda-powertools/logger';
import * as z from 'zod';
import { type Expired, expireBackups } from '../../lib/backup/expire-backups.ts';
import { type MadeBackup, type MakeBackupOptions, makeBackup } from '../../lib/backup/make-backup.ts';
import type { BackupTrigger } from '../../lib/domain/backup/manifest.ts';
import type { RetentionRule } from '../../lib/domain/backup/retention.ts';
import type { Notice } from '../../lib/events/envelope.ts';
import { wholeStage } from '../../lib/events/sources.ts';
import type { Stage } from '../../lib/events/stage.ts';
import type { BackupStore } from '../../lib/ports/backup-store.ts';
import type { EventPublisher } from '../../lib/ports/event-publisher.ts';

const noticeAttemptsMax = 3;

const payload = z.strictObject({
  trigger: z.enum(['operator', 'schedule', 'plan', 'restore']),
  by: z.string().min(1).optional(),
  reason: z.string().optional(),
  candles: z.boolean().optional(),
  /** Of what asks: the run, the plan, the restore. */
  id: z.string().min(1).optional(),
});

export interface RunOptions
  extends Omit<MakeBackupOptions, 'trigger' | 'accounts' | 'store' | 'place' | 'onProgress' | 'signal'> {
  readonly store: BackupStore;
  readonly stage: Stage;
  /** Left out, no old backup is marked: that is for the daily one. */
  readonly retention?: RetentionRule;
  readonly publisher: EventPublisher;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Partitions of a table. */
  readonly partitions: (table: string) => AsyncIterable<string>;
}

export interface BackupAnswer {
  readonly id: string;
  readonly number: number;
  readonly hash: string;
  readonly instant: string;
  readonly items: number;
  readonly bytes: number;
  readonly storedBytes: number;
  readonly parts: number;
  readonly durationMs: number;
}

/** The function was asked something that it does not understand. */
export class BackupRequestError extends Error {
  override readonly name = 'BackupRequestError';
  readonly code = 'BACKUP_REQUEST_INVALID';

  constructor(problem: string) {
    super(
      `BACKUP_REQUEST_INVALID: The payload is wrong (${problem}); no backup was made. ` +
        'Ask with `evenkeel backup`, or with {"trigger":"operator","by":"<who>","reason":"<why>"}.',
    );
  }
}

/**
 * @param functionArn of this function: the AWS account and the region are in it
 * @throws what went wrong, after the alert was raised: whoever asked must not go on
 */
export async function run(request: unknown, functionArn: string, options: RunOptions): Promise<BackupAnswer> {
  const { logger, nowMs } = options;
  const startedMs = nowMs();
  try {
    const made = await make(request, functionArn, options);
    const answer = answerOf(made);
    logger.info('made', { ...answer });
    await say(completed(made, answer, options), options);
    await sayGaps(made, options);
    await expire(options);
    return answer;
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    logger.error('failed', { error: failure });
    const message = `${failure.message} The last backup is the one before; what asked for this one was stopped.`;
    await say(alert(`backup:${isoUtc(startedMs)}`, 'backup_failed', 'backup', message, options), options);
    throw error;
  }
}

async function make(request: unknown, functionArn: string, options: RunOptions): Promise<MadeBackup> {
  const { candles = options.candles ?? false, ...asked } = parse(request);
  // `arn:aws:lambda:<region>:<account>:function:<name>`
  const [, , , region = '', awsAccount = ''] = functionArn.split(':');
  const accounts: string[] = [];
  for await (const partition of options.partitions(options.tables.book)) {
    const account = options.keys.accountOf(partition);
    if (account !== undefined) accounts.push(account);
  }
  const trigger: BackupTrigger = {
    kind: asked.trigger,
    by: asked.by ?? asked.trigger,
    reason: [asked.reason, asked.id].filter((word) => word).join(', '),
  };
  const place = { stage: options.stage, awsAccount, region };
  return makeBackup({ ...options, place, trigger, accounts, candles });
}

function parse(request: unknown): z.infer<typeof payload> {
  const parsed = payload.safeParse(request);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`,
  );
  throw new BackupRequestError(problems.join('; '));
}

function answerOf({ manifest, durationMs }: MadeBackup): BackupAnswer {
  const { id, number, hash, instant, tables } = manifest;
  const sum = (name: 'items' | 'bytes' | 'storedBytes' | 'parts'): number =>
    tables.reduce((all, totals) => all + totals[name], 0);
  return {
    id,
    number,
    hash,
    instant,
    items: sum('items'),
    bytes: sum('bytes'),
    storedBytes: sum('storedBytes'),
    parts: sum('parts'),
    durationMs,
  };
}

/** The backup stands whatever becomes of the old ones; what was not marked today is marked tomorrow. */
async function expire({ store, nowMs, retention, logger }: RunOptions): Promise<void> {
  if (retention === undefined) return;
  let expired: Expired;
  try {
    expired = await expireBackups({ store, nowMs: nowMs(), ...retention });
  } catch (error) {
    logger.warn('old backups were not marked', { error: error as Error });
    return;
  }
  if (expired.backups.length + expired.unfinished.length > 0)
    logger.info('marked as expired', { ...expired });
}

function completed(
  { manifest }: MadeBackup,
  { id, number, hash, instant, items, bytes, storedBytes, durationMs }: BackupAnswer,
  { stage }: RunOptions,
): Notice<'backup.completed'> {
  const { kind: trigger, by } = manifest.trigger;
  return {
    id: `backup:${id}`,
    type: 'backup.completed',
    version: 1,
    stage,
    account: wholeStage,
    occurredAt: manifest.completedAt,
    data: { backupId: id, number, hash, instant, trigger, by, items, bytes, storedBytes, durationMs },
  };
}

/** The backup has what there is. That rows are missing is a matter of the trail, and no reason to have no backup. */
async function sayGaps({ manifest, gaps }: MadeBackup, options: RunOptions): Promise<void> {
  if (gaps.length === 0) return;
  const named = gaps.map(
    ({ account, writer, expected, found }) => `${writer} of ${account}: ${found} rows of ${expected}`,
  );
  options.logger.error('the audit trail is not whole', { gaps });
  const message =
    `The audit trail is not whole (${named.join('; ')}), so the counts in the manifest of ${manifest.id} are not those of the book. ` +
    'The backup has all that is there. Run `evenkeel audit verify`: it names the broken rows.';
  await say(
    alert(`backup:${manifest.id}:trail`, 'audit_rows_missing', manifest.id, message, options),
    options,
  );
}

function alert(
  id: string,
  name: string,
  subject: string,
  message: string,
  { stage, nowMs }: RunOptions,
): Notice<'alert.raised'> {
  return {
    id,
    type: 'alert.raised',
    version: 1,
    stage,
    account: wholeStage,
    occurredAt: isoUtc(nowMs()),
    data: { alert: name, severity: 'CRITICAL', subject, message },
  };
}

async function say(notice: Notice, { publisher, logger }: RunOptions): Promise<void> {
  let problem = '';
  for (let attempt = 1; attempt <= noticeAttemptsMax; attempt += 1) {
    const [result] = await publisher.publish([notice]);
    if (result?.ok !== false) return;
    problem = `${result.code}: ${result.message}`;
  }
  logger.error('the bus did not take it', { id: notice.id, type: notice.type, problem });
}

function isoUtc(ms: number): string {
  return new Date(ms).toISOString();
}
