/** What earlier runs noted: part of the last verdict in the bucket, and what people have acknowledged since. */
import type { PlanRecord, RunState } from '../domain/reconcile/records.ts';
import type { Noted, ReconcileMemory, ReconcileRules, Verdict } from '../domain/reconcile/types.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { ReconcileError } from './reconcile-error.ts';
import { loadText } from './stored-text.ts';

const nothing: ReconcileMemory = { noted: [], absent: {}, nextQuery: '' };

/**
 * @param plan that stands
 * @returns the memory; `problem` where it is lost, and counts begin again: that makes runs wait longer, never shorter
 * @throws what the bucket throws
 */
export async function readMemory(
  store: Pick<ObjectStore, 'get'>,
  { state, plan }: { readonly state: RunState | undefined; readonly plan: PlanRecord | undefined },
  rules: Pick<ReconcileRules, 'escalateAfterRuns'>,
): Promise<{ readonly memory: ReconcileMemory; readonly problem: string }> {
  if (state?.memory == null) return { memory: nothing, problem: '' };
  try {
    const errors = { missing: 'EVIDENCE_MISSING', corrupt: 'EVIDENCE_CORRUPT' } as const;
    const verdict = JSON.parse(await loadText(store, state.memory, errors)) as Verdict;
    const noted = acknowledged(notActedUpon(verdict, plan, rules), state.acknowledged);
    return { memory: { ...verdict.memory, noted }, problem: '' };
  } catch (error) {
    if (!(error instanceof ReconcileError)) throw error;
    return { memory: nothing, problem: error.message };
  }
}

/**
 * What has stood for some runs is escalated, and nothing more is done about it: that is meant for what came back though
 * it was cured. While a plan waits for a person nothing has been done, so its time does not count.
 */
function notActedUpon(
  { memory, plan: { actions } }: Verdict,
  standing: PlanRecord | undefined,
  { escalateAfterRuns }: Pick<ReconcileRules, 'escalateAfterRuns'>,
): readonly Noted[] {
  if (standing === undefined || standing.done > 0) return memory.noted;
  const waiting = new Set(actions.flatMap(({ cures, subject }) => cures.map((type) => `${type}:${subject}`)));
  const most = Math.max(1, escalateAfterRuns - 2);
  return memory.noted.map((one) =>
    one.state === 'open' && waiting.has(one.id) ? { ...one, runs: Math.min(one.runs, most) } : one,
  );
}

function acknowledged(noted: readonly Noted[], said: RunState['acknowledged']): readonly Noted[] {
  return noted.map((one) =>
    one.state !== 'resolved' && Object.hasOwn(said, one.id) ? { ...one, state: 'acknowledged' } : one,
  );
}
