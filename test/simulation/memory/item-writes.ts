/** PutItem, UpdateItem, DeleteItem and BatchWriteItem, and the plans of writes that transactions use too. */
import type {
  BatchWriteItemCommandInput,
  BatchWriteItemCommandOutput,
  DeleteItemCommandInput,
  DeleteItemCommandOutput,
  PutItemCommandInput,
  PutItemCommandOutput,
  UpdateItemCommandInput,
  UpdateItemCommandOutput,
} from '@aws-sdk/client-dynamodb';
import type { Attributes } from './attribute-values.ts';
import { parseCondition } from './condition-syntax.ts';
import { type Bindings, bind, checkCondition, holds } from './conditions.ts';
import { conditionFailed, MemoryDynamoDbError, validation } from './dynamodb-errors.ts';
import { MemoryItem } from './memory-item.ts';
import type { MemoryTable } from './memory-table.ts';
import { checkParameters } from './parameters.ts';
import { answered, type Store, type Write } from './store.ts';
import { type ItemKey, itemKey, requestKey } from './table-keys.ts';
import { parseUpdate, updated } from './updates.ts';

const itemBytesMax = 400 * 1024;
const batchMax = 25;
const batchBytesMax = 16 * 1024 * 1024;

/** What a write, or the check of a transaction, asks for, in the words of the API. */
export interface Asked {
  readonly TableName?: string | undefined;
  readonly Item?: Attributes | undefined;
  readonly Key?: Attributes | undefined;
  readonly UpdateExpression?: string | undefined;
  readonly ConditionExpression?: string | undefined;
  readonly ExpressionAttributeNames?: Record<string, string> | undefined;
  readonly ExpressionAttributeValues?: Attributes | undefined;
  readonly ReturnValuesOnConditionCheckFailure?: 'ALL_OLD' | 'NONE' | undefined;
}

/** A write that has been read and is in order; the item may still not be as it wants. */
export interface Plan {
  readonly table: MemoryTable;
  readonly key: ItemKey;
  isMet(before: MemoryItem | undefined): boolean;
  /** Throws ValidationException where an update makes what cannot be stored. */
  after(before: MemoryItem | undefined): {
    readonly item: MemoryItem | undefined;
    readonly touched: readonly string[];
  };
  /** Bytes that it brings, as far as they are known without the item. */
  readonly bytes: number;
  readonly showsOld: boolean;
}

/** @throws ValidationException and ResourceNotFoundException */
export function planPut(store: Store, asked: Asked): Plan {
  const table = store.table(asked.TableName);
  const isMet = conditionOf(asked, bind(asked, conditionText(asked)));
  const item = MemoryItem.of(asked.Item ?? {});
  const key = itemKey(item.attributes, table.schema.key);
  table.checkIndexes(item);
  if (item.bytes > itemBytesMax) throw validation('Item size has exceeded the maximum allowed size');
  return { ...base(table, key, asked, isMet), bytes: item.bytes, after: () => ({ item, touched: [] }) };
}

export function planDelete(store: Store, asked: Asked): Plan {
  const table = store.table(asked.TableName);
  const isMet = conditionOf(asked, bind(asked, conditionText(asked)));
  const key = requestKey(asked.Key, table.schema.key);
  return { ...base(table, key, asked, isMet), after: () => ({ item: undefined, touched: [] }) };
}

/** Asks only. */
export function planCheck(store: Store, asked: Asked): Plan {
  if (asked.ConditionExpression === undefined)
    throw validation(
      "Value null at 'conditionExpression' failed to satisfy constraint: Member must not be null",
    );
  return { ...planDelete(store, asked), after: (item) => ({ item, touched: [] }) };
}

export function planUpdate(store: Store, asked: Asked): Plan {
  const table = store.table(asked.TableName);
  if (asked.UpdateExpression === undefined) throw new MemoryDynamoDbError('an update without an expression');
  const update = parseUpdate(asked.UpdateExpression);
  const bindings = bind(asked, update, conditionText(asked));
  const isMet = conditionOf(asked, bindings);
  const key = requestKey(asked.Key, table.schema.key);
  return {
    ...base(table, key, asked, isMet),
    after(before) {
      const { after, touched } = updated(update, before?.attributes ?? asked.Key ?? {}, bindings);
      const keyName = touched.find((name) => Object.values(table.schema.key).includes(name));
      if (keyName !== undefined)
        throw validation(
          `One or more parameter values were invalid: Cannot update attribute ${keyName}. This attribute is part of the key`,
        );
      const item = MemoryItem.of(after);
      table.checkIndexes(item);
      if (item.bytes > itemBytesMax)
        throw validation('Item size to update has exceeded the maximum allowed size');
      return { item, touched };
    },
  };
}

function base(table: MemoryTable, key: ItemKey, asked: Asked, isMet: Plan['isMet']) {
  return { table, key, isMet, bytes: 0, showsOld: asked.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' };
}

function conditionText({ ConditionExpression: text }: Asked) {
  return text === undefined ? undefined : parseCondition(text);
}

function conditionOf(asked: Asked, bindings: Bindings): Plan['isMet'] {
  const condition = conditionText(asked);
  if (condition === undefined) return () => true;
  checkCondition(condition, bindings);
  return (before) => holds(condition.tree, before?.attributes, bindings);
}

export function putItem(store: Store, input: PutItemCommandInput, by: string): PutItemCommandOutput {
  checkParameters('PutItem', input);
  checkReturned(input.ReturnValues);
  const { before } = carryOut(store, planPut(store, input), by);
  return { $metadata: answered, ...old(input.ReturnValues, before) };
}

export function deleteItem(store: Store, input: DeleteItemCommandInput, by: string): DeleteItemCommandOutput {
  checkParameters('DeleteItem', input);
  checkReturned(input.ReturnValues);
  const { before } = carryOut(store, planDelete(store, input), by);
  return { $metadata: answered, ...old(input.ReturnValues, before) };
}

export function updateItem(store: Store, input: UpdateItemCommandInput, by: string): UpdateItemCommandOutput {
  checkParameters('UpdateItem', input);
  const { before, after, touched } = carryOut(store, planUpdate(store, input), by);
  const only = (item: MemoryItem | undefined): Attributes => {
    const there = touched.filter((name) => item?.attributes[name] !== undefined);
    return Object.fromEntries(there.map((name) => [name, item!.attributes[name]!]));
  };
  const returned = input.ReturnValues ?? 'NONE';
  if (returned === 'NONE') return { $metadata: answered };
  const chosen = returned.endsWith('OLD') ? before : after;
  const attributes = returned.startsWith('ALL') ? (chosen?.attributes ?? {}) : only(chosen);
  return Object.keys(attributes).length === 0
    ? { $metadata: answered }
    : { $metadata: answered, Attributes: attributes };
}

function checkReturned(returned: string | undefined): void {
  if (returned !== undefined && returned !== 'NONE' && returned !== 'ALL_OLD')
    throw validation('ReturnValues can only be ALL_OLD or NONE');
}

function old(returned: string | undefined, before: MemoryItem | undefined) {
  return returned === 'ALL_OLD' && before !== undefined ? { Attributes: before.attributes } : {};
}

function carryOut(store: Store, plan: Plan, by: string) {
  const { table, key } = plan;
  const before = table.get(key);
  if (!plan.isMet(before)) throw conditionFailed(plan.showsOld ? before?.attributes : undefined);
  const { item: after, touched } = plan.after(before);
  store.commit([{ table, key, after }], by);
  return { before, after, touched };
}

/** All of them, each for itself; what is not processed is a thing that a simulation puts in the answer's place. */
export function batchWriteItem(
  store: Store,
  input: BatchWriteItemCommandInput,
  by: string,
): BatchWriteItemCommandOutput {
  checkParameters('BatchWriteItem', input);
  const requests = Object.entries(input.RequestItems ?? {});
  if (requests.length === 0) throw validation('The requestItems parameter is required for BatchWriteItem');
  const count = requests.reduce((sum, [, ofTable]) => sum + ofTable.length, 0);
  if (count > batchMax || requests.some(([, ofTable]) => ofTable.length === 0))
    throw validation(
      `1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to ${batchMax}, Member must have length greater than or equal to 1]`,
    );
  const plans = requests.flatMap(([TableName, ofTable]) =>
    ofTable.map(({ PutRequest, DeleteRequest }) => {
      if (PutRequest !== undefined) return planPut(store, { TableName, Item: PutRequest.Item });
      return planDelete(store, { TableName, Key: DeleteRequest?.Key });
    }),
  );
  if (plans.reduce((sum, { bytes }) => sum + bytes, 0) > batchBytesMax)
    throw validation('The batch is larger than 16 MB');
  const keys = new Set(plans.map(({ table, key }) => `${table.name}\0${key.pk}\0${key.sk}`));
  if (keys.size < plans.length) throw validation('Provided list of item keys contains duplicates');
  for (const plan of plans) {
    const { table, key } = plan;
    const write: Write = { table, key, after: plan.after(table.get(key)).item };
    store.commit([write], by);
  }
  return { $metadata: answered, UnprocessedItems: {} };
}
