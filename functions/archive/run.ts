/** One run of the archive: which days, what became of them, and the alert when something is missing. */
import type { Logger } from '@aws-lambda-powertools/logger';
import { type ArchivedDay, type ArchiveParts, archiveDays } from '../../lib/archive/archive-days.ts';
import { daysOf } from '../../lib/domain/archive/days.ts';
import type { Notice } from '../../lib/events/envelope.ts';
import { wholeStage } from '../../lib/events/sources.ts';
import type { Stage } from '../../lib/events/stage.ts';
import type { EventPublisher } from '../../lib/ports/event-publisher.ts';

const alertAttemptsMax = 3;
/** More failures than these are counted in the message. */
const namedMax = 5;

export interface RunOptions extends ArchiveParts {
  readonly stage: Stage;
  readonly publisher: EventPublisher;
  readonly logger: Pick<Logger, 'info' | 'error'>;
}

export interface ArchiveAnswer {
  readonly days: readonly ArchivedDay[];
  readonly durationMs: number;
}

/** Some of the days is not in the archive as it should be. The rest is. */
export class ArchiveIncompleteError extends Error {
  override readonly name = 'ArchiveIncompleteError';
  readonly code = 'ARCHIVE_INCOMPLETE';

  constructor(failures: readonly string[]) {
    const named = failures.slice(0, namedMax).join('; ');
    const more = failures.length > namedMax ? `; and ${failures.length - namedMax} more, see the log` : '';
    super(
      `ARCHIVE_INCOMPLETE: Not archived: ${named}${more}. Everything else of those days is. ` +
        'Mend the cause and run the archive for those days again; the tables keep the data until then.',
    );
  }
}

/**
 * @param request the payload, `{"date"?: "yyyy-mm-dd", "days"?: number}`
 * @throws ArchiveRequestError, ArchiveIncompleteError or what the services threw, after the alert was raised
 */
export async function run(request: unknown, options: RunOptions): Promise<ArchiveAnswer> {
  const { nowMs, logger } = options;
  const startedMs = nowMs();
  let what = new Date(startedMs).toISOString();
  try {
    const days = daysOf(request, startedMs);
    what = `${days[0]}..${days.at(-1)}`;
    const report = await archiveDays(days, options);
    for (const day of report.days) logger.info('archived', { ...day });
    for (const failure of report.failures) logger.error('not archived', { failure });
    if (report.failures.length > 0) throw new ArchiveIncompleteError(report.failures);
    return { days: report.days, durationMs: nowMs() - startedMs };
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    logger.error('failed', { error: failure });
    const unsaid = await raise(failure, what, options);
    if (unsaid !== undefined) logger.error('the alert could not be raised', { problem: unsaid });
    throw error;
  }
}

async function raise(
  { message }: Error,
  what: string,
  { stage, publisher, nowMs }: RunOptions,
): Promise<string | undefined> {
  const notice: Notice<'alert.raised'> = {
    id: `archive:${what}`,
    type: 'alert.raised',
    version: 1,
    stage,
    account: wholeStage,
    occurredAt: new Date(nowMs()).toISOString(),
    data: { alert: 'archive_failed', severity: 'MEDIUM', subject: `archive of ${what}`, message },
  };
  let problem: string | undefined;
  for (let attempt = 1; attempt <= alertAttemptsMax; attempt += 1) {
    const [result] = await publisher.publish([notice]);
    if (result?.ok !== false) return undefined;
    problem = `${result.code}: ${result.message}`;
  }
  return problem;
}
