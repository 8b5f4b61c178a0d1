/** The three files that operators review, under the names and with the keys that the operator guide gives them. */
import { refText } from '../domain/book/seen.ts';
import { type PlanRecord, type RunRecord, summaryOf } from '../domain/reconcile/records.ts';
import type { AmbiguousMatch, PlanAction, Verdict } from '../domain/reconcile/types.ts';
import type { Flags } from '../domain/safety/flags.ts';
import type { ReconcileLock } from '../domain/safety/lock.ts';

export const stagedFileNames = [
  'staged_actions.json',
  'ambiguous_matches.json',
  'reconcile_status.json',
] as const;
export type StagedFileName = (typeof stagedFileNames)[number];

export interface StagedFilesInput {
  readonly run: RunRecord;
  readonly account: string;
  readonly flags: Flags;
  readonly verdict: Verdict;
  /** As the book has it; undefined where nothing is staged. */
  readonly record: PlanRecord | undefined;
  readonly lock: ReconcileLock;
}

/** Texts by name of the file. */
export function stagedFiles(input: StagedFilesInput): ReadonlyMap<StagedFileName, string> {
  const text = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  return new Map<StagedFileName, string>([
    ['staged_actions.json', text(stagedActions(input))],
    ['ambiguous_matches.json', text(ambiguousMatches(input))],
    ['reconcile_status.json', text(reconcileStatus(input))],
  ]);
}

function stagedActions({ run, account, flags, verdict, record }: StagedFilesInput) {
  const { actions, ambiguous, rests } = verdict.plan;
  const of = (kind: PlanAction['kind']) => actions.filter((action) => action.kind === kind).map(shownAction);
  return {
    generated_at: iso(run.endedAtMs),
    run_id: run.runId,
    account,
    plan_hash: record?.hash ?? '',
    plan_state: record?.state ?? '',
    plan_file: record?.key ?? '',
    expires_at: record === undefined ? '' : iso(record.expiresAtMs),
    rule_version: run.ruleVersion,
    config: configOf(flags),
    plan: {
      to_update: of('to_update'),
      to_delete: of('to_delete'),
      to_insert: of('to_insert'),
      to_cancel: of('cancel'),
      ambiguous_matches: ambiguous.map(shownMatch),
      spy_futures_actions: verdict.recommendations.map((one) => ({
        con_id: one.conId,
        symbol: one.symbol,
        instrument_class: one.instrumentClass,
        position: one.position,
        recommendation: one.recommendation,
        arithmetic: one.arithmetic,
      })),
      rests_on: rests.map(({ ref, expectedVersion }) => ({ item: refText(ref), version: expectedVersion })),
    },
  };
}

function ambiguousMatches({ run, account, verdict, record }: StagedFilesInput) {
  return {
    generated_at: iso(run.endedAtMs),
    run_id: run.runId,
    account,
    plan_hash: record?.hash ?? '',
    ambiguous_count: verdict.ambiguous.length,
    ambiguous_matches: verdict.ambiguous.map(shownMatch),
  };
}

/** `inserted`, `deleted` and `updated` count what the plan would do; a run changes nothing by itself. */
function reconcileStatus({ run, account, record, lock, verdict }: StagedFilesInput) {
  return {
    status: run.status,
    last_run: iso(run.endedAtMs),
    inserted: record?.inserts ?? 0,
    deleted: record?.deletes ?? 0,
    updated: record?.updates ?? 0,
    ambiguous_count: run.ambiguous,
    run_id: run.runId,
    account,
    code: run.code,
    reason: run.reason,
    mode: run.mode,
    trigger: run.trigger,
    summary: summaryOf(run),
    by_type: run.types,
    by_severity: run.severities,
    unjudged: verdict.unjudged,
    plan_hash: record?.hash ?? '',
    plan_state: record?.state ?? '',
    expires_at: record === undefined ? '' : iso(record.expiresAtMs),
    lock,
    rule_version: run.ruleVersion,
  };
}

function shownAction({ id, cures, subject, summary, changes, orderKey, writes, cancel }: PlanAction) {
  return {
    id,
    cures,
    subject,
    summary,
    changes,
    order_key: orderKey,
    versions: writes.map(({ ref, expectedVersion }) => ({ item: refText(ref), version: expectedVersion })),
    ...(cancel === null ? {} : { cancel }),
  };
}

function shownMatch({ subject, book, broker, reason }: AmbiguousMatch) {
  return { subject, book, broker, reason };
}

function configOf({ DRY_RUN, SAFE_MODE, DRY_RUN_CONFIRM, FORCE_SYNC_DELETE }: Flags) {
  return {
    dry_run: DRY_RUN,
    safe_mode: SAFE_MODE,
    dry_run_confirm: DRY_RUN_CONFIRM,
    force_sync_delete: FORCE_SYNC_DELETE,
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
