/** TransactWriteItems: all of its actions or none, and a reason for each. */
import type {
  CancellationReason,
  TransactWriteItem,
  TransactWriteItemsCommandInput,
  TransactWriteItemsCommandOutput,
} from '@aws-sdk/client-dynamodb';
import {
  conditionFailedText,
  isSchemaMismatch,
  isValidation,
  transactionCancelled,
  validation,
} from './dynamodb-errors.ts';
import { type Asked, type Plan, planCheck, planDelete, planPut, planUpdate } from './item-writes.ts';
import { checkParameters } from './parameters.ts';
import { answered, type Store, type Write } from './store.ts';
import { checkActions, checkDistinct, checkTransactionBytes } from './transaction-limits.ts';

const tokenLengthMax = 36;
const done: CancellationReason = Object.freeze({ Code: 'None' });

export function transactWriteItems(
  store: Store,
  input: TransactWriteItemsCommandInput,
  by: string,
): TransactWriteItemsCommandOutput {
  checkParameters('TransactWriteItems', input);
  const { TransactItems: actions = [], ClientRequestToken: token } = input;
  checkActions(actions.length);
  if (token !== undefined && (token.length < 1 || token.length > tokenLengthMax))
    throw validation(
      `1 validation error detected: Value '${token}' at 'clientRequestToken' failed to satisfy constraint: Member must have length less than or equal to ${tokenLengthMax}`,
    );
  const plans = actions.map((action) => planOrReason(store, action));
  const good = plans.filter((plan): plan is Plan => 'table' in plan);
  checkDistinct(good);
  checkTransactionBytes(good.reduce((sum, plan) => sum + bytesOf(plan), 0));
  if (token !== undefined && store.tokens.isDone(token, actions)) return { $metadata: answered };
  const writes: Write[] = [];
  const reasons = plans.map((plan) => ('table' in plan ? attempt(plan, writes) : plan));
  if (reasons.some((reason) => reason !== done)) throw transactionCancelled(reasons);
  store.commit(writes, by);
  if (token !== undefined) store.tokens.done(token, actions);
  return { $metadata: answered };
}

const kinds = { Put: planPut, Update: planUpdate, Delete: planDelete, ConditionCheck: planCheck } as const;

function planOrReason(store: Store, action: TransactWriteItem): Plan | CancellationReason {
  try {
    return planOf(store, action);
  } catch (error) {
    if (!isSchemaMismatch(error)) throw error;
    return { Code: 'ValidationError', Message: error.message };
  }
}

function planOf(store: Store, action: TransactWriteItem): Plan {
  let plan: Plan | undefined;
  for (const kind of ['Put', 'ConditionCheck', 'Delete', 'Update'] as const) {
    const asked: Asked | undefined = action[kind];
    if (asked === undefined) continue;
    if (plan !== undefined)
      throw validation('TransactItems can only contain one of Check, Put, Update or Delete');
    checkParameters(kind, asked);
    plan = kinds[kind](store, asked);
  }
  if (plan === undefined)
    throw validation('Invalid Request: TransactWriteRequest should contain Delete or Put or Update request');
  return plan;
}

function bytesOf({ table, key, bytes }: Plan): number {
  return bytes || (table.get(key)?.bytes ?? 0);
}

/** Adds what is to be written; the reason why not, where it cannot be. */
function attempt(plan: Plan, writes: Write[]): CancellationReason {
  const { table, key } = plan;
  const before = table.get(key);
  if (!plan.isMet(before)) {
    const item = plan.showsOld && before !== undefined ? { Item: before.attributes } : {};
    return { Code: 'ConditionalCheckFailed', Message: conditionFailedText, ...item };
  }
  try {
    const { item: after } = plan.after(before);
    if (after !== before) writes.push({ table, key, after });
    return done;
  } catch (error) {
    if (!isValidation(error)) throw error;
    return { Code: 'ValidationError', Message: error.message };
  }
}
