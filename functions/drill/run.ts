/** One drill, and what is said of it on the bus: how it went, or that it could not be held. */
import type { Logger } from '@aws-lambda-powertools/logger';
import { type DrillOptions, type DrillReport, runDrill } from '../../lib/backup/drill.ts';
import type { Notice } from '../../lib/events/envelope.ts';
import { wholeStage } from '../../lib/events/sources.ts';
import type { Stage } from '../../lib/events/stage.ts';
import type { EventPublisher } from '../../lib/ports/event-publisher.ts';

const noticeAttemptsMax = 3;

export interface RunOptions extends Omit<DrillOptions, 'backup' | 'by' | 'place' | 'onProgress' | 'signal'> {
  readonly stage: Stage;
  readonly publisher: EventPublisher;
  readonly logger: Pick<Logger, 'info' | 'error'>;
}

/** The function was asked something that it does not understand. */
export class DrillRequestError extends Error {
  override readonly name = 'DrillRequestError';
  readonly code = 'DRILL_REQUEST_INVALID';

  constructor(problem: string) {
    super(
      `DRILL_REQUEST_INVALID: The payload is wrong (${problem}); no drill was held. ` +
        'Ask with `evenkeel drill`, or with {"by":"<who>","backup":"<id or number>"}.',
    );
  }
}

/** A drill was held, and the backup is not what it should be. */
export class DrillFailedError extends Error {
  override readonly name = 'DrillFailedError';
  readonly code = 'DRILL_FAILED';

  constructor({ backup, findings, key }: DrillReport) {
    super(
      `DRILL_FAILED: The backup ${backup.id} did not restore as it should: ${findings.join('; ')} ` +
        `The report is ${key}. Make a backup now and hold the drill again; keep the bad one until its cause is known.`,
    );
  }
}

/**
 * @param request the payload, `{"trigger"?: "schedule"|"operator", "by"?: "<who>", "backup"?: "<id, number or latest>"}`
 * @param functionArn of this function: the AWS account and the region are in it
 * @throws what went wrong, after the alert was raised
 */
export async function run(request: unknown, functionArn: string, options: RunOptions): Promise<DrillReport> {
  const { logger, stage, nowMs } = options;
  const startedAt = new Date(nowMs()).toISOString();
  try {
    const { by, backup } = parse(request);
    // `arn:aws:lambda:<region>:<account>:function:<name>`
    const [, , , region = '', awsAccount = ''] = functionArn.split(':');
    const report = await runDrill({ ...options, backup, by, place: { stage, awsAccount, region } });
    const { accounts: _, ...summary } = report;
    logger.info('held', summary);
    await say(completed(report, options), options);
    if (!report.ok) throw new DrillFailedError(report);
    return report;
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    logger.error('failed', { error: failure });
    await say(alert(startedAt, failure.message, options), options);
    throw error;
  }
}

function parse(request: unknown): { readonly by: string; readonly backup: string } {
  if (typeof request !== 'object' || request === null) throw new DrillRequestError('it is no object');
  const {
    trigger = 'operator',
    by = trigger,
    backup = 'latest',
  } = request as Readonly<Record<string, unknown>>;
  if (typeof by !== 'string' || by.trim() === '') throw new DrillRequestError('"by" is no name');
  if (typeof backup !== 'string' || backup === '') throw new DrillRequestError('"backup" is no id');
  return { by, backup };
}

function completed(report: DrillReport, { stage }: RunOptions): Notice<'drill.completed'> {
  const { id, backup, ok, recoveryTimeMs, recoveryPointMs, items, key, completedAt } = report;
  const findings = [...report.findings];
  return {
    id: `drill:${id}`,
    type: 'drill.completed',
    version: 1,
    stage,
    account: wholeStage,
    occurredAt: completedAt,
    data: { backupId: backup.id, ok, recoveryTimeMs, recoveryPointMs, items, findings, report: key },
  };
}

function alert(startedAt: string, message: string, { stage, nowMs }: RunOptions): Notice<'alert.raised'> {
  return {
    id: `drill:${startedAt}`,
    type: 'alert.raised',
    version: 1,
    stage,
    account: wholeStage,
    occurredAt: new Date(nowMs()).toISOString(),
    data: { alert: 'drill_failed', severity: 'CRITICAL', subject: 'restore drill', message },
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
