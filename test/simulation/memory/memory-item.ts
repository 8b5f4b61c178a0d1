/** An item as it is stored: nobody can change it, so every reader and every invariant may hold it. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type Attributes, copyAttributes } from './attribute-values.ts';

/** Whole numbers below 2^53 are numbers; others are their text, because no decimal becomes a float here. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [name: string]: Plain };

export class MemoryItem {
  readonly attributes: Attributes;
  /** Of the 400 KB that an item may have. */
  readonly bytes: number;
  #value: { readonly [name: string]: Plain } | undefined;

  constructor(attributes: Attributes, bytes: number) {
    this.attributes = attributes;
    this.bytes = bytes;
  }

  /** @throws ValidationException for what DynamoDB does not store */
  static of(attributes: Attributes): MemoryItem {
    const copy = copyAttributes(attributes);
    return new MemoryItem(copy.attributes, copy.bytes);
  }

  /** The item as plain data; made when it is first asked for. */
  get value(): { readonly [name: string]: Plain } {
    this.#value ??= plainMap(this.attributes);
    return this.#value;
  }
}

function plainMap(attributes: Attributes): { readonly [name: string]: Plain } {
  const all: Record<string, Plain> = {};
  for (const name in attributes) all[name] = plain(attributes[name]!);
  return Object.freeze(all);
}

function plain({ S, N, BOOL, M, L }: AttributeValue): Plain {
  if (S !== undefined) return S;
  if (N !== undefined) return plainNumber(N);
  if (BOOL !== undefined) return BOOL;
  if (M !== undefined) return plainMap(M);
  return L === undefined ? null : Object.freeze(L.map(plain));
}

function plainNumber(text: string): Plain {
  const value = Number(text);
  return Number.isSafeInteger(value) && String(value) === text ? value : text;
}
