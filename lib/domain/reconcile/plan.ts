/** The plan as a whole: its hash, how long it may be carried out, and what no policy and no person may wave through. */
import type { Json } from '../book/item.ts';
import { isTerminal } from '../orders/legal-moves.ts';
import type { BookPicture, Plan, PlanAction, ReconcileRules } from './types.ts';

/** SHA-256 of the canonical JSON of everything in the plan but its hash. */
export function planHash(
  plan: Omit<Plan, 'hash'> & { readonly hash?: string },
  digest: (value: Json) => string,
): string {
  const { hash: _, ...rest } = plan;
  return digest(rest as unknown as Json);
}

export function isExpired({ expiresAtMs }: Pick<Plan, 'expiresAtMs'>, nowMs: number): boolean {
  return nowMs >= expiresAtMs;
}

export interface MassChange {
  /** Live orders that the plan changes, removes or cancels. */
  readonly touched: number;
  /** Live orders of the book, and those that are cancelled because they live at the broker alone. */
  readonly live: number;
  /** The plan is refused. */
  readonly exceeds: boolean;
}

/** A plan that touches a large part of what works is more likely a mistake than a cure. */
export function massChange(
  { actions }: Pick<Plan, 'actions'>,
  { orders }: Pick<BookPicture, 'orders'>,
  { massChange: { share, atLeast } }: Pick<ReconcileRules, 'massChange'>,
): MassChange {
  let live = 0;
  for (const { body } of orders.values()) if (!isTerminal(body.status)) live += 1;
  const keys = new Set<string>();
  for (const { kind, orderKey } of actions) {
    if (kind === 'to_insert' || keys.has(orderKey)) continue;
    const status = orders.get(orderKey)?.body.status;
    const isLive = status !== undefined && !isTerminal(status);
    // What is cancelled is live at the broker, whatever the book has of it.
    if (!isLive && kind === 'cancel') live += 1;
    if (isLive || kind === 'cancel') keys.add(orderKey);
  }
  const touched = keys.size;
  return { touched, live, exceeds: touched >= atLeast && touched > Number(share) * live };
}

/**
 * Whether the written policy of `auto_sync` approves the plan: all of it is of the classes that the policy names, nothing
 * is removed or cancelled, and nothing is in question.
 */
export function policyApproves(
  plan: Pick<Plan, 'actions' | 'ambiguous'>,
  book: Pick<BookPicture, 'orders'>,
  rules: ReconcileRules,
): boolean {
  if (rules.mode !== 'auto_sync' || plan.ambiguous.length > 0 || massChange(plan, book, rules).exceeds)
    return false;
  return plan.actions.every(
    ({ kind, cures }) =>
      (kind === 'to_insert' || kind === 'to_update') &&
      cures.length > 0 &&
      cures.every((type) => rules.autoSync.includes(type)),
  );
}

/** Sorted by kind of thing and id, whatever judge said it first. */
export function sortedActions(actions: readonly PlanAction[]): PlanAction[] {
  return [...actions].sort((a, b) => (a.id < b.id ? -1 : Number(a.id > b.id)));
}
