import type { ObjectStore } from './object-store.ts';

/** One version of an object. */
export interface ObjectVersion {
  readonly key: string;
  readonly versionId: string;
  /** ISO-8601 UTC. */
  readonly storedAt: string;
  readonly bytes: number;
}

/** The bucket of backups: every version is kept, each is locked for a time, and nothing here can delete one. */
export interface BackupStore extends ObjectStore {
  /** Every version of the keys that begin with `prefix`, deletion markers left out. */
  versions(prefix: string): AsyncGenerator<ObjectVersion, void, undefined>;
  /** Marks an object as one that the bucket's lifecycle rule may delete once its lock has ended. */
  markExpired(key: string): Promise<void>;
}
