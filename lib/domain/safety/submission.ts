/**
 * What makes two submissions one where nobody has given them a key: contract, quantity, price and side, no more than ten
 * seconds apart. As a key it is `sha256(symbol|qty|price|side|timestamp_rounded)`. A rounded time alone would miss two
 * moments on both sides of an edge, so that the keys of the times beside it are given as well, and the distance decides.
 */
import { amount, plain } from '../orders/decimals.ts';
import { legNames, type WishedLeg } from '../orders/order-wish.ts';

/** Two orders that are alike in all else are one if they are not further apart than this. */
export const signatureWindowMs = 10_000;

/** The rounded time: start of the window that holds `atMs`, Unix ms. */
export function signatureBucketMs(atMs: number): number {
  return Math.floor(atMs / signatureWindowMs) * signatureWindowMs;
}

export interface Submission {
  readonly symbol: string;
  /** Decimal text; `1` and `1.0` are the same. */
  readonly quantity: string;
  /** Decimal text, several with a slash between them, or null for none. */
  readonly price: string | null;
  readonly side: string;
}

export interface SignatureKeys {
  /** The key of an intent that has none: `SIG-` and 32 hexadecimal digits. */
  readonly own: string;
  /** Under which the same submission may lie already: of the ten seconds before and after. */
  readonly neighbours: readonly [before: string, after: string];
}

/**
 * @param atMs when it was submitted, Unix ms; the sender's time, which is the same when a queue delivers it again
 * @param sha256 hexadecimal
 */
export function signatureKeys(
  submission: Submission,
  atMs: number,
  sha256: (text: string) => string,
): SignatureKeys {
  const bucket = signatureBucketMs(atMs);
  const keyOf = (bucketMs: number) => `SIG-${sha256(signatureText(submission, bucketMs)).slice(0, 32)}`;
  return {
    own: keyOf(bucket),
    neighbours: [keyOf(bucket - signatureWindowMs), keyOf(bucket + signatureWindowMs)],
  };
}

/** Whether two moments (Unix ms) of what is alike are one submission. */
export function isSameSubmission(aMs: number, bMs: number): boolean {
  return Math.abs(aMs - bMs) <= signatureWindowMs;
}

/** What its key is the hash of. */
export function signatureText({ symbol, quantity, price, side }: Submission, bucketMs: number): string {
  const prices = (price ?? '').split('/').map(canonical).join('/');
  return [symbol, canonical(quantity), prices, side, bucketMs].join('|');
}

/** Of all legs, in whatever order they come: brackets with another stop are other submissions. */
export function submissionOf(symbol: string, legs: readonly WishedLeg[]): Submission {
  const sorted = [...legs].sort((a, b) => legNames.indexOf(a.leg) - legNames.indexOf(b.leg));
  const [first] = sorted;
  return {
    symbol,
    quantity: first?.quantity ?? '',
    // The place of a price says which one it is, and so what type of order.
    price: sorted.flatMap(({ limitPrice, stopPrice }) => [limitPrice ?? '', stopPrice ?? '']).join('/'),
    side: first?.action ?? '',
  };
}

/** One text for one number; what is none stays as it was written, for the gate to deny. */
function canonical(text: string): string {
  return /^-?\d{1,40}(\.\d{1,40})?$/.test(text) ? plain(amount(text)) : text;
}
