/** Keys of items, checked as DynamoDB does: there, text, not empty, not too long. */
import { type Attributes, typeOf, utf8Bytes } from './attribute-values.ts';
import { MemoryDynamoDbError, schemaMismatch, validation } from './dynamodb-errors.ts';
import type { IndexSchema, KeyNames } from './table-schema.ts';

export interface ItemKey {
  readonly pk: string;
  readonly sk: string;
}

const partitionBytesMax = 2_048;
const sortBytesMax = 1_024;

/** The key that a request names an item by. */
export function requestKey(key: Attributes | undefined, names: KeyNames): ItemKey {
  if (key === undefined) throw schemaMismatch('The provided key element does not match the schema');
  const pk = key[names.partition]?.S;
  const sk = key[names.sort]?.S;
  if (pk === undefined || sk === undefined || Object.keys(key).length !== 2)
    throw schemaMismatch('The provided key element does not match the schema');
  return checkedKey(pk, sk, names);
}

/** The key of an item that is to be stored. */
export function itemKey(item: Attributes, names: KeyNames): ItemKey {
  return checkedKey(keyText(item, names.partition), keyText(item, names.sort), names);
}

function keyText(item: Attributes, name: string): string {
  const value = item[name];
  if (value === undefined)
    throw schemaMismatch(`One or more parameter values were invalid: Missing the key ${name} in the item`);
  if (value.S !== undefined) return value.S;
  throw schemaMismatch(
    `One or more parameter values were invalid: Type mismatch for key ${name} expected: S actual: ${typeOf(value)}`,
  );
}

function checkedKey(pk: string, sk: string, { partition, sort }: KeyNames): ItemKey {
  if (pk === '' || sk === '')
    throw validation(
      `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: ${pk === '' ? partition : sort}`,
    );
  if (utf8Bytes(pk) > partitionBytesMax)
    throw schemaMismatch(
      'One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes',
    );
  if (utf8Bytes(sk) > sortBytesMax)
    throw schemaMismatch(
      'One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes',
    );
  // The sort key in an index is put together with it.
  if (sk.includes('\0') || pk.includes('\0')) throw new MemoryDynamoDbError('keys with the character U+0000');
  return { pk, sk };
}

/** Where an item stands in an index; undefined for one that has not both of its keys, and is not in it. */
export function indexPlace(
  item: Attributes,
  { name, partition, sort }: IndexSchema,
): { partition: string; range: string } | undefined {
  const from = indexText(item, name, partition);
  const range = indexText(item, name, sort);
  return from === undefined || range === undefined ? undefined : { partition: from, range };
}

function indexText(item: Attributes, index: string, name: string): string | undefined {
  const value = item[name];
  if (value === undefined) return undefined;
  if (value.S === undefined)
    throw schemaMismatch(
      `One or more parameter values were invalid: Type mismatch for Index Key ${name} Expected: S Actual: ${typeOf(value)} IndexName: ${index}`,
    );
  if (value.S === '')
    throw validation(
      `One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: ${index}, IndexKey: ${name}`,
    );
  return value.S;
}
