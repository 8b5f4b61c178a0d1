/** Judges a run again from its evidence, which the audit trail binds by its SHA-256. */
import { reconcileWriter } from '../domain/audit/writers.ts';
import { type RunRecord, readRunState, runIdPattern } from '../domain/reconcile/records.ts';
import { ruleVersion, type Verdict } from '../domain/reconcile/types.ts';
import type { AuditTrail } from '../ports/audit-trail.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { parseEvidence, verdictText } from './evidence.ts';
import { judge } from './judge.ts';
import { type CanonicalJson, sealedPlan } from './plan-store.ts';
import { ReconcileError } from './reconcile-error.ts';
import { loadText, sha256Of } from './stored-text.ts';

export interface Rejudged {
  /** As the audit trail has it. */
  readonly run: RunRecord;
  readonly evidence: string;
  /** The whole verdict is the same, to the byte; with the plan's hash. */
  readonly same: boolean;
  readonly samePlan: boolean;
  /** Hash of the plan then, and by the rules of today. */
  readonly planHashThen: string;
  readonly planHashNow: string;
  readonly ruleVersionThen: number;
  readonly ruleVersionNow: number;
  /** Ids of discrepancies that only one of the two finds. */
  readonly onlyThen: readonly string[];
  readonly onlyNow: readonly string[];
  readonly verdict: Verdict;
}

export interface RejudgePorts {
  readonly audit: Pick<AuditTrail, 'rows'>;
  readonly store: Pick<ObjectStore, 'get'>;
  readonly canonicalJson: CanonicalJson;
}

/** @throws ReconcileError RUN_UNKNOWN, EVIDENCE_MISSING, EVIDENCE_CORRUPT */
export async function rejudge(account: string, runId: string, ports: RejudgePorts): Promise<Rejudged> {
  const { store, canonicalJson } = ports;
  const run = await findRun(account, runId, ports.audit);
  if (run.evidence === null) {
    throw new ReconcileError(
      'RUN_UNKNOWN',
      `The run ${runId} was ${run.status} (${run.code}) and judged nothing.`,
    );
  }
  const errors = { missing: 'EVIDENCE_MISSING', corrupt: 'EVIDENCE_CORRUPT' } as const;
  const evidence = parseEvidence(run.evidence.key, await loadText(store, run.evidence, errors));
  const verdict = judge(evidence.input, evidence.deleted, canonicalJson);
  const text = verdictText(verdict, canonicalJson);
  const same = sha256Of(text) === evidence.verdictSha256;
  const planHashNow = sealedPlan(verdict.plan, canonicalJson).plan.hash;
  const then =
    same || run.verdict === null
      ? verdict
      : (JSON.parse(await loadText(store, run.verdict, errors)) as Verdict);
  const idsThen = new Set(then.discrepancies.map(({ id }) => id));
  const idsNow = new Set(verdict.discrepancies.map(({ id }) => id));
  return {
    run,
    evidence: run.evidence.key,
    same,
    samePlan: planHashNow === evidence.planHash,
    planHashThen: evidence.planHash,
    planHashNow,
    ruleVersionThen: evidence.ruleVersion,
    ruleVersionNow: ruleVersion,
    onlyThen: [...idsThen].filter((id) => !idsNow.has(id)),
    onlyNow: [...idsNow].filter((id) => !idsThen.has(id)),
    verdict,
  };
}

/** The last word of a run on itself, in the trail of the day in its id and those after: it may end after midnight. */
export async function findRun(
  account: string,
  runId: string,
  audit: Pick<AuditTrail, 'rows'>,
): Promise<RunRecord> {
  const [, year, month, day] = runIdPattern.exec(runId) ?? [];
  if (day === undefined) {
    throw new ReconcileError(
      'RUN_UNKNOWN',
      `${runId} is no id of a run: they look like run_20260105_143000_a1b2c3.`,
    );
  }
  let found: RunRecord | undefined;
  for await (const row of audit.rows(account, reconcileWriter, `${year}-${month}-${day}`)) {
    if (row.cause.id !== runId) {
      if (found !== undefined) break;
      continue;
    }
    const state = readRunState(row.changes.find(({ item }) => item === 'RUN#STATE')?.image?.body);
    if (state?.last.runId === runId) found = state.last;
  }
  if (found !== undefined) return found;
  throw new ReconcileError('RUN_UNKNOWN', `The audit trail of ${account} has no run ${runId}.`);
}
