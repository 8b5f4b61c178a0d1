/**
 * The evidence of a run: the whole input of the engine as canonical JSON, so that it can be judged again. The same input
 * has the same bytes, in whatever order its items were read.
 */
import type { Json } from '../domain/book/item.ts';
import {
  type BookPicture,
  type ReconcileInput,
  ruleVersion,
  type Verdict,
} from '../domain/reconcile/types.ts';
import type { DeletedVersions } from './judge.ts';
import type { CanonicalJson } from './plan-store.ts';
import { ReconcileError, wordsOf } from './reconcile-error.ts';
import { sha256Of } from './stored-text.ts';

const kind = 'evenkeel.reconcile-evidence';

export interface Evidence {
  readonly input: ReconcileInput;
  readonly deleted: DeletedVersions;
  /** Of the rules that judged it. */
  readonly ruleVersion: number;
  /** Key of the snapshot in its bucket; `''` where none came. */
  readonly snapshotKey: string;
  readonly programVersion: string;
  /** SHA-256 of the verdict's text, and the hash of the plan that it made. */
  readonly verdictSha256: string;
  readonly planHash: string;
}

export function evidenceText(
  { input, deleted, snapshotKey, programVersion, verdictSha256, planHash }: Omit<Evidence, 'ruleVersion'>,
  canonicalJson: CanonicalJson,
): string {
  const { book, prices, ...rest } = input;
  return canonicalJson({
    kind,
    version: 1,
    ruleVersion,
    snapshotKey,
    programVersion,
    verdictSha256,
    planHash,
    deleted: entries(deleted),
    input: {
      ...rest,
      book: {
        orders: entries(book.orders),
        fills: entries(book.fills),
        positions: entries(book.positions),
        cash: entries(book.cash),
        pointers: entries(book.pointers),
        instruments: entries(book.instruments),
        isFirstRun: book.isFirstRun,
      },
      ...(prices === undefined ? {} : { prices: entries(prices) }),
    },
  } as unknown as Json);
}

/**
 * @param text whose SHA-256 has been compared with the run's record
 * @throws ReconcileError EVIDENCE_CORRUPT for what this project does not write
 */
export function parseEvidence(key: string, text: string): Evidence {
  let stored: StoredEvidence;
  try {
    stored = JSON.parse(text) as StoredEvidence;
  } catch (error) {
    throw new ReconcileError('EVIDENCE_CORRUPT', `${key} is no JSON: ${wordsOf(error)}.`);
  }
  if (stored.kind !== kind || stored.version !== 1) {
    throw new ReconcileError(
      'EVIDENCE_CORRUPT',
      `${key} is no evidence of a run that this version can read.`,
    );
  }
  const { kind: _, version: __, input, deleted, ...rest } = stored;
  const { book, prices, ...others } = input;
  const picture: BookPicture = {
    orders: new Map(Object.entries(book.orders)),
    fills: new Map(Object.entries(book.fills)),
    positions: new Map(Object.entries(book.positions)),
    cash: new Map(Object.entries(book.cash)),
    pointers: new Map(Object.entries(book.pointers)),
    instruments: new Map(Object.entries(book.instruments)),
    isFirstRun: book.isFirstRun,
  } as unknown as BookPicture;
  return {
    ...rest,
    deleted: new Map(Object.entries(deleted)),
    input: {
      ...others,
      book: picture,
      ...(prices === undefined ? {} : { prices: new Map(Object.entries(prices)) }),
    },
  };
}

/** The verdict as it is stored beside the evidence; its memory is where the next run goes on. */
export function verdictText(verdict: Verdict, canonicalJson: CanonicalJson): string {
  return canonicalJson(verdict as unknown as Json);
}

export function verdictSha256(verdict: Verdict, canonicalJson: CanonicalJson): string {
  return sha256Of(verdictText(verdict, canonicalJson));
}

type Entries = { readonly [key: string]: Json };

interface StoredEvidence extends Omit<Evidence, 'input' | 'deleted'> {
  readonly kind: string;
  readonly version: number;
  readonly deleted: { readonly [item: string]: number };
  readonly input: Omit<ReconcileInput, 'book' | 'prices'> & {
    readonly book: { readonly [name in Exclude<keyof BookPicture, 'isFirstRun'>]: Entries } & {
      readonly isFirstRun: boolean;
    };
    readonly prices?: { readonly [conId: string]: string };
  };
}

/** Canonical JSON sorts names, so the order of a map does not show. */
function entries(map: ReadonlyMap<string, unknown>): Entries {
  return Object.fromEntries(map) as Entries;
}
