/**
 * Plans in the bucket: canonical JSON of everything but the hash, so that the SHA-256 of the object is the plan's hash.
 * An item of the book would be too small for a large plan, and every action's audit row would hold it again.
 */
import type { Json } from '../domain/book/item.ts';
import type { PlanRecord } from '../domain/reconcile/records.ts';
import type { Plan } from '../domain/reconcile/types.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { loadText, sha256Of, storeText } from './stored-text.ts';

export type CanonicalJson = (value: Json) => string;

/** The plan with its hash, and its text without it. */
export function sealedPlan(
  plan: Omit<Plan, 'hash'>,
  canonicalJson: CanonicalJson,
): { readonly plan: Plan; readonly text: string } {
  const text = canonicalJson(plan as unknown as Json);
  return { plan: { ...plan, hash: sha256Of(text) }, text };
}

/** What a plan changes and rests on, without run and times: two runs that find the same have the same content. */
export function contentOf(
  { actions, ambiguous, rests, ruleVersion }: Omit<Plan, 'hash'>,
  canonicalJson: CanonicalJson,
): string {
  return sha256Of(canonicalJson({ actions, ambiguous, rests, ruleVersion } as unknown as Json));
}

export function planKey({ account, runId, hash }: Pick<Plan, 'account' | 'runId' | 'hash'>): string {
  return `runs/${account}/${runId}/plan-${hash.slice(0, 12)}.json`;
}

/** Seals and stores a plan; what its item says of it is made by `planRecord`. */
export async function storePlan(
  store: Pick<ObjectStore, 'put'>,
  made: Omit<Plan, 'hash'>,
  canonicalJson: CanonicalJson,
): Promise<{ readonly plan: Plan; readonly key: string; readonly content: string }> {
  const { plan, text } = sealedPlan(made, canonicalJson);
  const key = planKey(plan);
  await storeText(store, key, text);
  return { plan, key, content: contentOf(made, canonicalJson) };
}

/**
 * The plan with this hash.
 *
 * @throws ReconcileError PLAN_MISSING, PLAN_CORRUPT
 */
export async function loadPlan(
  store: Pick<ObjectStore, 'get'>,
  { key, hash }: Pick<PlanRecord, 'key' | 'hash'>,
): Promise<Plan> {
  const text = await loadText(
    store,
    { key, sha256: hash },
    { missing: 'PLAN_MISSING', corrupt: 'PLAN_CORRUPT' },
  );
  return { ...(JSON.parse(text) as Omit<Plan, 'hash'>), hash };
}
