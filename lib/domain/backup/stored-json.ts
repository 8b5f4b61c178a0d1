/** Values in DynamoDB's own notation, `{"S":"text"}`, as the lines of a backup have them, and back. Pure. */
import type { Json } from '../book/item.ts';

/** One value; exactly one of these is there. */
export interface StoredValue {
  readonly S?: string;
  readonly N?: string;
  readonly BOOL?: boolean;
  readonly NULL?: boolean;
  readonly M?: StoredMap;
  readonly L?: readonly StoredValue[];
}

export interface StoredMap {
  readonly [name: string]: StoredValue;
}

/** A value is of a type that this project never stores. */
export class StoredValueError extends Error {
  override readonly name = 'StoredValueError';
  readonly code = 'STORED_VALUE_UNKNOWN';

  constructor(value: StoredValue) {
    super(
      `STORED_VALUE_UNKNOWN: ${Object.keys(value).join(', ')} is no type that Evenkeel stores. ` +
        'Something else wrote the item: find out what did.',
    );
  }
}

export function fromStored(map: StoredMap): { readonly [name: string]: Json } {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, jsonOf(value)]));
}

function jsonOf(value: StoredValue): Json {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return Number(value.N);
  if (value.M !== undefined) return fromStored(value.M);
  if (value.L !== undefined) return value.L.map(jsonOf);
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.NULL === true) return null;
  throw new StoredValueError(value);
}

/** Members that are undefined are left out. */
export function toStored(map: { readonly [name: string]: Json | undefined }): StoredMap {
  const members = Object.entries(map).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, stored(value)] as const],
  );
  return Object.fromEntries(members);
}

function stored(value: Json): StoredValue {
  if (value === null) return { NULL: true };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (isList(value)) return { L: value.map(stored) };
  return { M: toStored(value) };
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
