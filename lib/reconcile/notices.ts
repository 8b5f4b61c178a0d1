/** What a run says on the bus. Ids follow from the run, so that a notice that is sent twice is known by its id. */
import type * as z from 'zod';
import { type PlanRecord, type RunRecord, summaryOf } from '../domain/reconcile/records.ts';
import { compareSeverity } from '../domain/reconcile/severity.ts';
import type { ReconcileMemory, Verdict } from '../domain/reconcile/types.ts';
import type { ReconcileLock } from '../domain/safety/lock.ts';
import type { alertRaised } from '../events/alert-raised.ts';
import type { discrepancyOpened } from '../events/discrepancy-opened.ts';
import type { discrepancyResolved } from '../events/discrepancy-resolved.ts';
import type { planApproved } from '../events/plan-approved.ts';
import type { planStaged } from '../events/plan-staged.ts';
import type { reconcileCompleted } from '../events/reconcile-completed.ts';
import type { Stage } from '../events/stage.ts';
import { type EventPublisher, publishBatchMax } from '../ports/event-publisher.ts';
import type { RunLog } from './run-log.ts';

const attemptsMax = 3;
/** A run that finds a whole book missing must not send ten thousand events: `untold` of `reconcile.completed` counts. */
export const toldMax = 200;

interface Schemas {
  readonly 'reconcile.completed': typeof reconcileCompleted;
  readonly 'discrepancy.opened': typeof discrepancyOpened;
  readonly 'discrepancy.resolved': typeof discrepancyResolved;
  readonly 'plan.staged': typeof planStaged;
  readonly 'plan.approved': typeof planApproved;
  readonly 'alert.raised': typeof alertRaised;
}

export type RunNotice = {
  readonly [N in keyof Schemas]: {
    readonly id: string;
    readonly type: N;
    readonly version: 1;
    readonly stage: Stage;
    readonly account: string;
    readonly occurredAt: string;
    readonly data: Readonly<z.infer<Schemas[N]>>;
  };
}[keyof Schemas];

type Said<N extends keyof Schemas> = Extract<RunNotice, { type: N }>['data'];

/** What is said of one account at one moment. */
export class Notices {
  readonly all: RunNotice[] = [];
  readonly #about: { readonly stage: Stage; readonly account: string; readonly occurredAt: string };
  readonly #name: string;

  constructor(stage: Stage, account: string, runId: string, atMs: number) {
    this.#about = { stage, account, occurredAt: new Date(atMs).toISOString() };
    this.#name = `reconcile:${runId}`;
  }

  completed(run: RunRecord, lock: ReconcileLock, planHash: string, untold: number): this {
    if (run.status === 'RUNNING' || run.status === 'SKIPPED') return this;
    const { runId, code, reason, mode, trigger, by, discrepancies, types, severities, actions } = run;
    return this.#add('reconcile.completed', '', {
      runId,
      status: run.status,
      code,
      reason,
      mode,
      trigger,
      by,
      summary: summaryOf(run),
      discrepancies,
      critical: severities.CRITICAL ?? 0,
      types: types as Record<string, number>,
      severities,
      untold,
      planHash,
      actions,
      lock: lock.state,
      lockReason: lock.reason,
      evidence: run.evidence?.key ?? '',
      durationMs: Math.max(0, run.endedAtMs - run.startedAtMs),
    });
  }

  /** @returns how many had no room */
  discrepancies(verdict: Verdict, before: ReconcileMemory, runId: string): number {
    const isOpened = new Set(verdict.opened);
    const opened = verdict.discrepancies
      .filter(({ id }) => isOpened.has(id))
      .sort((a, b) => compareSeverity(b.severity, a.severity));
    for (const { id, evidence: _, ...found } of opened.slice(0, toldMax)) {
      this.#add('discrepancy.opened', `:opened:${id}`, { runId, discrepancyId: id, ...found });
    }
    const isResolved = new Set(verdict.resolved);
    const resolved = before.noted.filter(({ id }) => isResolved.has(id));
    for (const { id, type, severity, firstSeenMs, runs } of resolved.slice(0, toldMax)) {
      const firstSeen = new Date(firstSeenMs).toISOString();
      this.#add('discrepancy.resolved', `:resolved:${id}`, {
        runId,
        discrepancyId: id,
        type,
        severity,
        firstSeen,
        runs: Math.max(1, runs),
      });
    }
    return Math.max(0, opened.length - toldMax) + Math.max(0, resolved.length - toldMax);
  }

  staged(plan: PlanRecord, runId: string, stagedActions: string): this {
    return this.#add('plan.staged', ':plan', {
      runId,
      planHash: plan.hash,
      inserts: plan.inserts,
      updates: plan.updates,
      deletes: plan.deletes,
      cancels: plan.cancels,
      ambiguous: plan.ambiguous,
      refusedCode: plan.refusedCode,
      expiresAt: new Date(plan.expiresAtMs).toISOString(),
      stagedActions,
    });
  }

  /** Asks apply-plan to go on with an approved plan. */
  approved({ hash, runId, approval, actions }: PlanRecord): this {
    const { by = 'policy auto_sync', reason = '' } = approval ?? {};
    this.all.push({
      ...this.#about,
      id: `plan:${hash}:approved:asked`,
      type: 'plan.approved',
      version: 1,
      data: { planHash: hash, runId, by, reason, actions, start: 'asked' },
    });
    return this;
  }

  alert(alert: string, severity: Said<'alert.raised'>['severity'], subject: string, message: string): this {
    return this.#add('alert.raised', `:${alert}:${subject}`, { alert, severity, subject, message });
  }

  #add<N extends keyof Schemas>(type: N, id: string, data: Said<N>): this {
    this.all.push({ ...this.#about, id: `${this.#name}${id}`, type, version: 1, data } as RunNotice);
    return this;
  }
}

/** Never throws: the book has it already. What the bus does not take is in the log. */
export async function publishAll(
  notices: readonly RunNotice[],
  publisher: EventPublisher,
  log: RunLog,
): Promise<void> {
  let waiting = [...notices];
  let problem = '';
  for (let attempt = 1; attempt <= attemptsMax && waiting.length > 0; attempt += 1) {
    const refused: RunNotice[] = [];
    for (let from = 0; from < waiting.length; from += publishBatchMax) {
      const batch = waiting.slice(from, from + publishBatchMax);
      for (const [index, result] of (await publisher.publish(batch)).entries()) {
        const notice = batch[index];
        if (result.ok || notice === undefined) continue;
        problem = `${result.code}: ${result.message}`;
        refused.push(notice);
      }
    }
    waiting = refused;
  }
  if (waiting.length === 0) return;
  log.error('the bus did not take it', {
    problem,
    notices: waiting.slice(0, 20).map(({ id }) => id),
    count: waiting.length,
  });
}
