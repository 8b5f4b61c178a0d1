import { reconcileWriter } from '../../lib/domain/audit/writers.ts';
import { type PlanRecord, type RunRecord, readRunState } from '../../lib/domain/reconcile/records.ts';
import type { Verdict } from '../../lib/domain/reconcile/types.ts';
import type { AuditTrail } from '../../lib/ports/audit-trail.ts';
import { isLost } from '../../lib/reconcile/lost-run.ts';
import { findRun } from '../../lib/reconcile/rejudge.ts';
import { CliError } from './exit.ts';
import { readPlans } from './plan-read.ts';
import { readState, readVerdict } from './reconcile-read.ts';
import type { Session } from './session.ts';

const dayMs = 86_400_000;
/** How far back runs are looked for, one after the other: there is one every few minutes. */
const lookBackDays = [1, 7, 60, Number.POSITIVE_INFINITY];

/** A run with what it found, as the bucket has it under the hash that the audit trail binds. */
export interface RunRead {
  readonly run: RunRecord;
  /** Null where nothing was judged. */
  readonly verdict: Verdict | null;
  /** The plan that it staged; null for none. */
  readonly plan: PlanRecord | null;
}

/**
 * @param name id of a run, or `latest`
 * @throws CliError RUN_UNKNOWN where there is none yet; ReconcileError RUN_UNKNOWN, EVIDENCE_MISSING, EVIDENCE_CORRUPT
 */
export async function readRun(session: Pick<Session, 'ports' | 'account'>, name: string): Promise<RunRead> {
  const run = await namedRun(session, name);
  const [verdict, plans] = await Promise.all([
    readVerdict(session, run),
    readPlans(session.ports.book, session.account),
  ]);
  return { run, verdict, plan: plans.find(({ runId }) => runId === run.runId) ?? null };
}

async function namedRun(
  { ports, account }: Pick<Session, 'ports' | 'account'>,
  name: string,
): Promise<RunRecord> {
  if (name !== 'latest') return findRun(account, name, ports.audit);
  const state = await readState(ports.book, account);
  if (state !== undefined && state.last.runId !== '') return state.last;
  throw new CliError('RUN_UNKNOWN', `Nothing was reconciled in ${account} yet. Begin with: reconcile.`);
}

export interface RunListed extends RunRecord {
  /** It began, never ended, and nobody is at work on it any more. */
  readonly lost: boolean;
}

export interface RunList {
  readonly account: string;
  /** Newest first. */
  readonly runs: readonly RunListed[];
  readonly more: boolean;
}

/** The last runs of an account, each as it ended. */
export async function listRuns(
  trail: Pick<AuditTrail, 'rows'>,
  account: string,
  {
    limit,
    nowMs,
    settings,
  }: {
    readonly limit: number;
    readonly nowMs: number;
    readonly settings: { readonly snapshotTimeoutMs: number };
  },
): Promise<RunList> {
  for (const days of lookBackDays) {
    const runs = await runsSince(trail, account, Math.max(0, nowMs - days * dayMs));
    if (runs.length > limit || days === lookBackDays.at(-1)) {
      const listed = runs.slice(0, limit).map((run) => ({ ...run, lost: isLost(run, settings, nowMs) }));
      return { account, runs: listed, more: runs.length > limit };
    }
  }
  return { account, runs: [], more: false };
}

async function runsSince(
  trail: Pick<AuditTrail, 'rows'>,
  account: string,
  fromMs: number,
): Promise<RunRecord[]> {
  const runs = new Map<string, RunRecord>();
  const fromDay = new Date(fromMs).toISOString().slice(0, 10);
  for await (const { cause, changes } of trail.rows(account, reconcileWriter, fromDay)) {
    const state = readRunState(changes.find(({ item }) => item === 'RUN#STATE')?.image?.body);
    // Only a row of the run itself says how it went.
    if (state !== undefined && state.last.runId === cause.id) runs.set(cause.id, state.last);
  }
  return [...runs.values()].sort((a, b) => b.startedAtMs - a.startedAtMs);
}
