import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { ChainTools } from '../domain/audit/row.ts';
import type { Json } from '../domain/book/item.ts';
import { bookSort } from './keys.ts';

/** A value as canonical JSON (RFC 8785): the same bytes wherever it is written. */
export function canonicalJson(value: Json): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('this is no JSON value');
  return text;
}

/** SHA-256 of a value's canonical JSON, lower-case hexadecimal. */
export function digest(value: Json): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

export const chainTools: ChainTools = { digest, keyOf: bookSort };
