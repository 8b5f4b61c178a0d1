import { backupMetrics } from '../../lib/domain/metrics/function-metrics.ts';
import { emfLine } from '../../lib/domain/metrics/metric.ts';
import type { BackupAnswer } from './run.ts';

/** A backup that was made, as a line for CloudWatch. That there is none for a day is an alarm. */
export function metricsLine(
  { id, storedBytes, durationMs }: Pick<BackupAnswer, 'id' | 'storedBytes' | 'durationMs'>,
  stage: string,
  nowMs: number,
): string | undefined {
  return emfLine({
    metrics: backupMetrics,
    values: {
      evenkeel_backups_total: 1,
      evenkeel_backup_bytes: storedBytes,
      evenkeel_backup_duration_seconds: durationMs / 1000,
    },
    dimensions: { stage },
    properties: { service: 'backup', backupId: id },
    nowMs,
  });
}
