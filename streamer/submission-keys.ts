import type { Intent } from '../lib/domain/orders/intent.ts';
import { isSameSubmission, signatureKeys, submissionOf } from '../lib/domain/safety/submission.ts';
import type { DeskReading } from './order-book.ts';
import type { Asked } from './order-desk-types.ts';

/** Its own key and those that must be looked at with it. */
export function keysOf(
  { key, command, wish }: Asked,
  sha256: (text: string) => string,
): { readonly key: string; readonly keys: readonly string[] } {
  if (key !== '') return { key, keys: [key] };
  const { own, neighbours } = signatureKeys(
    // Not by its symbol: before the contract is known it has none, and one command would have two keys.
    submissionOf(String(wish.conId), wish.legs),
    Date.parse(command.issuedAt),
    sha256,
  );
  return { key: own, keys: [own, ...neighbours] };
}

/** The intent that this command repeats; undefined for a new one. */
export function earlierOf(
  { key, command }: Asked,
  ownKey: string,
  { intents }: DeskReading,
): Intent | undefined {
  const own = intents.get(ownKey);
  if (own !== undefined || key !== '') return own;
  return [...intents.values()].find((intent) =>
    isSameSubmission(Date.parse(intent.issuedAt), Date.parse(command.issuedAt)),
  );
}
