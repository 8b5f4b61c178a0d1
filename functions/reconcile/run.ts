/** One run on request, and its figures in the log, where CloudWatch reads them (embedded metric format). */
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
  options.printLine(metricsLine(answer, options.nowMs()));
  return answer;
}

const units = {
  ReconcileRuns: 'Count',
  ReconcileFailures: 'Count',
  ReconcileDiscrepancies: 'Count',
  ReconcileCritical: 'Count',
  ReconcileDuration: 'Milliseconds',
} as const;

/** By hand, because the library for it is as large as all of a run. */
export function metricsLine(answer: RunAnswer, nowMs: number): string {
  const values: { readonly [name in keyof typeof units]: number } = {
    ReconcileRuns: 1,
    ReconcileFailures: answer.status === 'FAILED' ? 1 : 0,
    ReconcileDiscrepancies: answer.discrepancy_count,
    ReconcileCritical: answer.by_severity.CRITICAL ?? 0,
    ReconcileDuration: answer.duration_ms,
  };
  const Metrics = Object.entries(units).map(([Name, Unit]) => ({ Name, Unit }));
  return JSON.stringify({
    _aws: {
      Timestamp: nowMs,
      CloudWatchMetrics: [{ Namespace: 'Evenkeel', Dimensions: [['service', 'account']], Metrics }],
    },
    service: 'reconcile',
    account: answer.account,
    ...values,
  });
}
