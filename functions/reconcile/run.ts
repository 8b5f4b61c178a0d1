/** One run on request, and its figures in the log, where CloudWatch reads them (embedded metric format). */
import { reconcileMetrics } from '../../lib/domain/metrics/function-metrics.ts';
import { emfLine } from '../../lib/domain/metrics/metric.ts';
import type { RunAnswer } from '../../lib/domain/reconcile/records.ts';
import { keepInstrument, resolvedInstrument } from '../../lib/reconcile/instruments.ts';
import { checkAccount } from '../../lib/reconcile/request.ts';
import { type RunOptions, runReconcile } from '../../lib/reconcile/run.ts';

export interface ReconcileOptions extends RunOptions {
  /** Takes a line of the log as it is. */
  readonly printLine: (line: string) => void;
}

/**
 * @returns the run's answer; for an instrument that was resolved, whether the book has changed
 * @throws ReconcileError for a request that is none; a run that fails is an answer with the status FAILED
 */
export async function run(
  request: unknown,
  options: ReconcileOptions,
): Promise<RunAnswer | { readonly instrument: number; readonly changed: boolean }> {
  const resolved = resolvedInstrument(request);
  if (resolved !== undefined) {
    checkAccount(resolved.account, options.streamers);
    return { instrument: resolved.data.conId, changed: await keepInstrument(resolved, options) };
  }
  const answer = await runReconcile(request, options);
  const line = metricsLine(answer, options, options.nowMs());
  if (line !== undefined) options.printLine(line);
  return answer;
}

/** Figures of the run, under its streamer. */
export function metricsLine(
  answer: RunAnswer,
  { stage, streamers }: Pick<ReconcileOptions, 'stage' | 'streamers'>,
  nowMs: number,
): string | undefined {
  const { account, status, run_id, by_severity: found, duration_ms: durationMs } = answer;
  const streamer = streamers.find((one) => one.account === account)?.streamer ?? account;
  const hasFailed = status === 'FAILED';
  // A run that was postponed or skipped found nothing because it looked at nothing.
  const hasJudged = answer.evidence !== '' && !hasFailed;
  const judged = (count = 0): number | undefined => (hasJudged ? count : undefined);
  return emfLine({
    metrics: reconcileMetrics,
    values: {
      evenkeel_reconcile_runs_total: 1,
      evenkeel_reconcile_failed_total: hasFailed ? 1 : 0,
      evenkeel_reconcile_duration_seconds: judged(durationMs / 1000),
      evenkeel_reconcile_critical: judged(found.CRITICAL),
      evenkeel_reconcile_high: judged(found.HIGH),
      evenkeel_reconcile_medium: judged(found.MEDIUM),
      evenkeel_reconcile_info: judged(found.INFO),
    },
    dimensions: { stage, streamer },
    properties: { service: 'reconcile', account, run_id, status },
    nowMs,
  });
}
