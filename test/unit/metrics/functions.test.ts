import { afterEach, describe, expect, it, vi } from 'vitest';
import { metricsLine as backupLine } from '../../../functions/backup/metrics-line.ts';
import type { BackupAnswer } from '../../../functions/backup/run.ts';
import { Tally } from '../../../functions/book-keeper/tally.ts';
import { metricsLine as reconcileLine } from '../../../functions/reconcile/run.ts';
import { emitters } from '../../../lib/domain/metrics/catalogue.ts';
import type { RunAnswer, RunStatus } from '../../../lib/domain/reconcile/records.ts';

const namesOf = (emitter: string) =>
  emitters.find(({ name }) => name === emitter)!.metrics.map(({ name }) => name);
const dimensionsOf = (emitter: string) => emitters.find(({ name }) => name === emitter)!.dimensions;

interface Line {
  readonly _aws: {
    readonly CloudWatchMetrics: readonly {
      readonly Dimensions: readonly string[][];
      readonly Metrics: readonly { readonly Name: string }[];
    }[];
  };
  readonly [field: string]: unknown;
}
const parse = (line: string | undefined) => JSON.parse(line!) as Line;
const told = ({ _aws }: Line) => _aws.CloudWatchMetrics[0]!.Metrics.map(({ Name }) => Name);
const under = ({ _aws }: Line) => _aws.CloudWatchMetrics[0]!.Dimensions;

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  vi.doUnmock('../../../functions/backup/run.ts');
});

describe('a run of reconcile', () => {
  const settings = {
    stage: 'paper' as const,
    streamers: [
      {
        account: 'DU1234567',
        streamer: 'main',
        commandQueueUrl: 'http://queue',
        timeZone: 'UTC',
        clientId: 1,
      },
    ],
  };
  const ended = (status: RunStatus, evidence = 'runs/run_1/evidence.json') =>
    parse(
      reconcileLine(
        {
          run_id: 'run_20260105_143005_0a1b2c',
          account: 'DU1234567',
          status,
          by_severity: { CRITICAL: 2, MEDIUM: 1 },
          evidence,
          duration_ms: 1_500,
        } as RunAnswer,
        settings,
        5,
      ),
    );

  it('that judged tells all of its metrics, under the streamer of its account, a severity that did not occur as 0', () => {
    const line = ended('AWAITING_DRY_RUN_CONFIRM');
    expect(told(line)).toEqual(namesOf('reconcile'));
    expect(under(line)).toEqual([dimensionsOf('reconcile')]);
    expect(line).toMatchObject({
      stage: 'paper',
      streamer: 'main',
      status: 'AWAITING_DRY_RUN_CONFIRM',
      evenkeel_reconcile_runs_total: 1,
      evenkeel_reconcile_failed_total: 0,
      evenkeel_reconcile_duration_seconds: 1.5,
      evenkeel_reconcile_critical: 2,
      evenkeel_reconcile_high: 0,
      evenkeel_reconcile_medium: 1,
      evenkeel_reconcile_info: 0,
    });
  });

  it.each([
    ['FAILED', 1],
    ['POSTPONED', 0],
    ['SKIPPED', 0],
  ] as const)(
    'that is %s tells that it ended, and of no discrepancies: it looked at none',
    (status, failed) => {
      const line = ended(status, '');
      expect(told(line)).toEqual(['evenkeel_reconcile_runs_total', 'evenkeel_reconcile_failed_total']);
      expect(line).toMatchObject({
        evenkeel_reconcile_failed_total: failed,
        evenkeel_reconcile_runs_total: 1,
      });
    },
  );
});

describe('a batch of the book keeper', () => {
  it('tells all of its metrics, and begins anew', () => {
    const tally = new Tally('paper');
    for (const what of ['booked', 'booked', 'refused', 'retried', 'unchanged'] as const) tally.count(what);
    const line = parse(tally.take(5));
    expect(told(line)).toEqual(namesOf('book-keeper'));
    expect(under(line)).toEqual([dimensionsOf('book-keeper')]);
    expect(line).toMatchObject({
      stage: 'paper',
      evenkeel_book_booked_total: 2,
      evenkeel_book_refused_total: 1,
      evenkeel_book_retried_total: 1,
    });
    tally.count('unchanged');
    expect(tally.take(5)).toBeUndefined();
  });

  it('is printed by the handler: a message that cannot even be put aside is one that comes again', async () => {
    // Nothing listens there.
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:9');
    for (const name of ['BOOK_TABLE', 'AUDIT_TABLE', 'EVENT_BUS_NAME']) vi.stubEnv(name, 'any');
    vi.stubEnv('DEAD_LETTER_QUEUE_URL', 'http://127.0.0.1:9/1/any');
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_REGION']) vi.stubEnv(name, 'any');
    vi.stubEnv('STAGE', 'paper');
    const print = vi.spyOn(console, 'log').mockReturnValue();
    vi.spyOn(console, 'error').mockReturnValue();
    const { handler } = await import('../../../functions/book-keeper/handler.ts');
    const record = { messageId: 'm', body: 'no JSON', attributes: { MessageGroupId: 'DU1' } };
    const answer = await handler(
      { Records: [record] } as never,
      { getRemainingTimeInMillis: () => 30_000 } as never,
    );
    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: 'm' }]);
    expect(print.mock.calls.map(([line]) => told(parse(String(line))))).toEqual([
      ['evenkeel_book_retried_total'],
    ]);
  });
});

describe('a backup', () => {
  const made = { id: 'db_backup_20260105_031500', storedBytes: 4_096, durationMs: 2_500 } as BackupAnswer;

  it('that was made tells all of its metrics', () => {
    const line = parse(backupLine(made, 'paper', 5));
    expect(told(line)).toEqual(namesOf('backup'));
    expect(under(line)).toEqual([dimensionsOf('backup')]);
    expect(line).toMatchObject({
      evenkeel_backups_total: 1,
      evenkeel_backup_bytes: 4_096,
      evenkeel_backup_duration_seconds: 2.5,
    });
  });

  it('is told by the handler when it was made, and not when it failed', async () => {
    const names = ['BOOK_TABLE', 'AUDIT_TABLE', 'CANDLES_TABLE', 'BACKUP_BUCKET', 'EVENT_BUS_NAME'];
    for (const name of [...names, 'PROGRAM_VERSION', 'AWS_REGION']) vi.stubEnv(name, 'any');
    vi.stubEnv('STAGE', 'paper');
    vi.stubEnv('RETENTION_DAYS', '30');
    vi.stubEnv('KEEP_AT_LEAST', '5');
    vi.stubEnv('INCLUDE_CANDLES', 'false');
    const run = vi.fn().mockResolvedValueOnce(made).mockRejectedValueOnce(new Error('no bucket'));
    vi.doMock('../../../functions/backup/run.ts', () => ({ run }));
    const print = vi.spyOn(console, 'log').mockReturnValue();
    const { handler } = await import('../../../functions/backup/handler.ts');
    const context = { invokedFunctionArn: 'arn:aws:lambda:r:1:function:f' } as never;
    expect(await handler({}, context)).toBe(made);
    await expect(handler({}, context)).rejects.toThrow('no bucket');
    expect(print.mock.calls.map(([line]) => told(parse(String(line))))).toEqual([namesOf('backup')]);
  });
});
