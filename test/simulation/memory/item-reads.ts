/** GetItem and TransactGetItems. */
import type {
  GetItemCommandInput,
  GetItemCommandOutput,
  TransactGetItemsCommandInput,
  TransactGetItemsCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { validation } from './dynamodb-errors.ts';
import { checkParameters } from './parameters.ts';
import { answered, type Store } from './store.ts';
import { requestKey } from './table-keys.ts';
import { checkActions, checkDistinct, checkTransactionBytes } from './transaction-limits.ts';

export function getItem(store: Store, input: GetItemCommandInput): GetItemCommandOutput {
  checkParameters('GetItem', input);
  const table = store.table(input.TableName);
  const { pk, sk } = requestKey(input.Key, table.schema.key);
  const isStale = input.ConsistentRead !== true && store.isStale();
  const node = table.rows.find(pk, sk);
  const item = node && table.seen(node, isStale, store.nowMs());
  return { $metadata: answered, ...(item === undefined ? {} : { Item: item.attributes }) };
}

/** A transaction sees what has been committed, all of it as of one moment. */
export function transactGetItems(
  store: Store,
  input: TransactGetItemsCommandInput,
): TransactGetItemsCommandOutput {
  checkParameters('TransactGetItems', input);
  const actions = input.TransactItems ?? [];
  checkActions(actions.length);
  const wanted = actions.map(({ Get }) => {
    if (Get === undefined) throw validation('Invalid Request: TransactGetRequest should contain Get');
    checkParameters('Get', Get);
    const table = store.table(Get.TableName);
    return { table, key: requestKey(Get.Key, table.schema.key) };
  });
  checkDistinct(wanted);
  const items = wanted.map(({ table, key }) => table.get(key));
  checkTransactionBytes(items.reduce((sum, item) => sum + (item?.bytes ?? 0), 0));
  return {
    $metadata: answered,
    Responses: items.map((item) => (item === undefined ? {} : { Item: item.attributes })),
  };
}
