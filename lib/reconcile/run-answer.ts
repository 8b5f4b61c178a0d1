/** What a run answers, whatever became of it. */
import { type PlanRecord, type RunAnswer, type RunRecord, summaryOf } from '../domain/reconcile/records.ts';
import type { ReconcileLock } from '../domain/safety/lock.ts';

export interface EndedRun {
  readonly record: RunRecord;
  /** As it stands after the run. */
  readonly lock: ReconcileLock;
  /** The plan that stands after the run; undefined for none. */
  readonly plan?: PlanRecord | undefined;
  /** What could not be judged. */
  readonly unjudged?: readonly string[];
  /** Key of the staged actions in the bucket. */
  readonly stagedActions?: string;
}

export function answerOf(
  account: string,
  { record, lock, plan, unjudged = [], stagedActions = '' }: EndedRun,
): RunAnswer {
  return {
    run_id: record.runId,
    account,
    status: record.status,
    code: record.code,
    reason: record.reason,
    mode: record.mode,
    discrepancy_count: record.discrepancies,
    has_critical_issues: (record.severities.CRITICAL ?? 0) > 0,
    by_type: record.types,
    by_severity: record.severities,
    summary: summaryOf(record),
    pending: record.pending,
    ambiguous_count: record.ambiguous,
    unjudged,
    plan_hash: plan?.hash ?? '',
    plan_state: plan?.state ?? '',
    actions: record.actions,
    lock: { state: lock.state, reason: lock.reason, token: lock.token },
    rule_version: record.ruleVersion,
    evidence: record.evidence?.key ?? '',
    staged_actions: stagedActions,
    duration_ms: Math.max(0, record.endedAtMs - record.startedAtMs),
  };
}
