/** Key conditions: one partition, and a range of its sort keys. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { compareText } from './attribute-values.ts';
import type { Comparator, Condition, Operand } from './condition-syntax.ts';
import { type Bindings, nameOf } from './conditions.ts';
import { MemoryDynamoDbError, validation } from './dynamodb-errors.ts';
import type { KeyNames } from './table-schema.ts';

export interface KeyRange {
  readonly partition: string;
  /** Where the range begins; `''` for the start of the partition. */
  readonly from: string;
  /** Whether a sort key is behind the range; those before `from` are never asked about. */
  readonly isBehind: (sort: string) => boolean;
  readonly has: (sort: string) => boolean;
}

type Range = Omit<KeyRange, 'partition'>;

const everything: Range = { from: '', isBehind: () => false, has: () => true };

/** @throws ValidationException */
export function keyRange(condition: Condition, keys: KeyNames, bindings: Bindings): KeyRange {
  const parts = condition.is === 'and' ? condition.parts : [condition];
  let partition: string | undefined;
  let range: Range | undefined;
  for (const part of parts) {
    const name = nameIn(part, bindings);
    if (name === keys.partition && partition === undefined) partition = partitionOf(part, name, bindings);
    else if (name === keys.sort && range === undefined) range = rangeOf(part, name, bindings);
    else throw validation('Query key condition not supported');
  }
  if (partition === undefined)
    throw validation(`Query condition missed key schema element: ${keys.partition}`);
  return { partition, ...(range ?? everything) };
}

function nameIn(part: Condition, { names }: Bindings): string | undefined {
  const what = part.is === 'compare' ? part.left : 'what' in part ? part.what : undefined;
  if (what === undefined || !('path' in what)) return undefined;
  const [name] = what.path;
  return what.path.length === 1 && typeof name === 'string' ? nameOf(name, names) : undefined;
}

function partitionOf(part: Condition, name: string, bindings: Bindings): string {
  if (part.is !== 'compare' || part.by !== '=') throw validation('Query key condition not supported');
  return textOf(part.right, name, bindings);
}

function rangeOf(part: Condition, name: string, bindings: Bindings): Range {
  if (part.is === 'begins') {
    const prefix = textOf(part.prefix, name, bindings);
    return {
      from: prefix,
      isBehind: (sort) => !sort.startsWith(prefix),
      has: (sort) => sort.startsWith(prefix),
    };
  }
  if (part.is === 'between') {
    const low = textOf(part.low, name, bindings);
    const high = textOf(part.high, name, bindings);
    const isBehind = (sort: string) => compareText(sort, high) > 0;
    return { from: low, isBehind, has: (sort) => compareText(sort, low) >= 0 && !isBehind(sort) };
  }
  if (part.is !== 'compare') throw validation('Query key condition not supported');
  return compared(part.by, textOf(part.right, name, bindings));
}

function compared(by: Comparator, bound: string): Range {
  if (by !== '=') throw new MemoryDynamoDbError(`${by} with a sort key`);
  return { from: bound, isBehind: (sort) => sort !== bound, has: (sort) => sort === bound };
}

function textOf(operand: Operand, key: string, { values }: Bindings): string {
  const value: AttributeValue | undefined = 'value' in operand ? values[operand.value] : undefined;
  if (value === undefined) throw validation('Invalid operand in a key condition: it must be a value');
  if (value.S === undefined)
    throw validation(
      'One or more parameter values were invalid: Condition parameter type does not match schema type',
    );
  if (value.S === '')
    throw validation(
      `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: ${key}`,
    );
  return value.S;
}
