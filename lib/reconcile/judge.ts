/** One judgement from its evidence: the engine, and the versions of items that only look as if they were not there. */
import type { Json } from '../domain/book/item.ts';
import { refText } from '../domain/book/seen.ts';
import { reconcile } from '../domain/reconcile/engine.ts';
import type { ReconcileInput, Verdict } from '../domain/reconcile/types.ts';
import type { CanonicalJson } from './plan-store.ts';
import { sha256Of } from './stored-text.ts';

/** Versions by `refText` of items that were deleted softly: the engine does not see them, a write over them must. */
export type DeletedVersions = ReadonlyMap<string, number>;

export function judge(
  input: ReconcileInput,
  deleted: DeletedVersions,
  canonicalJson: CanonicalJson,
): Verdict {
  const verdict = reconcile(input, (value: Json) => sha256Of(canonicalJson(value)));
  if (deleted.size === 0) return verdict;
  const actions = verdict.plan.actions.map((action) => ({
    ...action,
    writes: action.writes.map((write) => {
      const version = write.expectedVersion === 0 ? deleted.get(refText(write.ref)) : undefined;
      return version === undefined ? write : { ...write, expectedVersion: version };
    }),
  }));
  return { ...verdict, plan: { ...verdict.plan, actions } };
}
