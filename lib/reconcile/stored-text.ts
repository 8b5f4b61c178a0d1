/** Texts in the bucket of reconcile, each bound by its SHA-256. */
import { createHash } from 'node:crypto';
import type { StoredText } from '../domain/reconcile/records.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { ReconcileError, type ReconcileErrorCode, wordsOf } from './reconcile-error.ts';

export function sha256Of(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

export async function storeText(
  store: Pick<ObjectStore, 'put'>,
  key: string,
  text: string,
): Promise<StoredText> {
  const body = new TextEncoder().encode(text);
  await store.put({ key, body, contentType: 'application/json' });
  return { key, sha256: sha256Of(body) };
}

/**
 * The text with this SHA-256.
 *
 * @throws ReconcileError with `missing` or `corrupt`
 */
export async function loadText(
  store: Pick<ObjectStore, 'get'>,
  { key, sha256 }: StoredText,
  { missing, corrupt }: { readonly missing: ReconcileErrorCode; readonly corrupt: ReconcileErrorCode },
): Promise<string> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await store.get(key);
  } catch (error) {
    const words = wordsOf(error);
    if (!/checksum/i.test(words)) throw error;
    throw new ReconcileError(corrupt, `The bytes of ${key} are not those that were stored: ${words}.`);
  }
  if (bytes === undefined) throw new ReconcileError(missing, `${key} is not in the bucket of reconcile.`);
  const found = sha256Of(bytes);
  if (found === sha256) return new TextDecoder().decode(bytes);
  throw new ReconcileError(corrupt, `${key} has the SHA-256 ${found}, and the book says ${sha256}.`);
}
