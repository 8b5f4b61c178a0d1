/**
 * The manifest of a backup: what an operator reviews, and what a restore believes. It is written last, so a backup
 * without one does not exist. Each names the hash of the one before it. Pure: the digest is handed in.
 */
import type { Json } from '../book/item.ts';

/** What a reader of this version understands. A manifest with a higher one is refused. */
export const backupSchemaVersion = 1;

export type BackedUpTable = 'book' | 'audit' | 'candles';

export interface BackupManifest {
  readonly format: 'evenkeel-backup';
  readonly schemaVersion: number;
  /** Of Evenkeel, from package.json. */
  readonly programVersion: string;
  /** Place in the stage's chain of manifests, from 1. */
  readonly number: number;
  /** `db_backup_YYYYMMDD_HHMMSS`, UTC: when it began. */
  readonly id: string;
  readonly stage: string;
  readonly awsAccount: string;
  readonly region: string;
  readonly trigger: BackupTrigger;
  /** ISO-8601 UTC, as all times here. */
  readonly startedAt: string;
  /**
   * The instant that a restore brings back: time of the latest audit row in it. The exact definition is `chains` of
   * each account: every row up to those numbers, and none after.
   */
  readonly instant: string;
  readonly completedAt: string;
  readonly accounts: readonly BackedUpAccount[];
  readonly tables: readonly BackedUpTableTotals[];
  readonly parts: readonly BackupPart[];
  /** Null for the first of a stage. */
  readonly previous: PreviousManifest | null;
  /** SHA-256 of this manifest's canonical JSON (RFC 8785) without `hash`, lower-case hexadecimal. */
  readonly hash: string;
}

export interface BackupTrigger {
  readonly kind: 'schedule' | 'operator' | 'plan' | 'restore';
  /** Who asked: an AWS identity, a run, a schedule. */
  readonly by: string;
  readonly reason: string;
}

export interface BackedUpAccount {
  /** IB account. */
  readonly account: string;
  readonly instant: string;
  /** Items of the book by kind at that instant, heads of chains not counted. Counted from the audit trail. */
  readonly items: Readonly<Record<string, number>>;
  /** Rows of the trail up to the instant. */
  readonly auditRows: number;
  /** Of these, the ones that concern an order. */
  readonly orderEvents: number;
  readonly chains: readonly BackedUpChain[];
}

/** One writer's chain: rows `from + 1` to `seq` were written while the book was read, and are replayed over it. */
export interface BackedUpChain {
  readonly writer: string;
  /** Where the chain stood before the first page of the book was read; 0 where it had no row. */
  readonly from: number;
  /** Where it stands at the instant: the last row that counts. */
  readonly seq: number;
  /** Of row `seq`. */
  readonly hash: string;
  readonly at: string;
  /** Day of its first row, `yyyy-mm-dd` UTC. */
  readonly since: string;
}

export interface BackedUpTableTotals {
  readonly table: BackedUpTable;
  /** Physical name. */
  readonly name: string;
  readonly items: number;
  /** Of its lines, before compression. */
  readonly bytes: number;
  readonly storedBytes: number;
  readonly parts: number;
}

/**
 * Lines of JSON, one item each, `{"Item":{…}}` in DynamoDB's own notation, compressed with zstd: what DynamoDB exports
 * and its import from S3 reads.
 */
export interface BackupPart {
  readonly table: BackedUpTable;
  readonly key: string;
  readonly items: number;
  /** Before compression. */
  readonly bytes: number;
  readonly storedBytes: number;
  /** SHA-256 of the stored bytes, lower-case hexadecimal. */
  readonly sha256: string;
}

export interface PreviousManifest {
  readonly number: number;
  readonly id: string;
  readonly hash: string;
}

/** The hash that a manifest should have: of everything in it but the hash. */
export function manifestHash(
  manifest: Omit<BackupManifest, 'hash'> & { readonly hash?: string },
  digest: (value: Json) => string,
): string {
  // A member that is undefined is none in canonical JSON.
  return digest({ ...manifest, hash: undefined } as unknown as Json);
}
