/** Keys of stored items, read. They are made in keys.ts. */
import type { StoredKeys } from '../ports/stored-keys.ts';
import { accountPartition, auditRowOf, bookRefOf } from './keys.ts';

const accountPrefix = accountPartition('');

export const storedKeys: StoredKeys = {
  accountOf: (pk) => (pk.startsWith(accountPrefix) ? pk.slice(accountPrefix.length) : undefined),
  refOf: bookRefOf,
  rowOf: (pk, sk) => ({ account: pk.slice(accountPrefix.length, pk.lastIndexOf('#')), ...auditRowOf(sk) }),
};
