/**
 * An S3 in memory behind the ports of lib/ports/object-store.ts and backup-store.ts, for the deterministic simulation.
 * The contract suite (test/unit/simulation/object-store-contract.test.ts) asks it and the local cloud's S3, through the
 * adapters of lib/aws, the same questions.
 *
 *     const s3 = new MemoryObjectStores({ buckets: ['snapshots', 'backups'], nowMs: () => world.nowMs });
 *     const snapshots = s3.objects('snapshots', 'streamer-1', async (operation, buckets, effect) => effect());
 *     const backups = s3.backups('backups', 'backup-function');
 *     s3.onPut(({ bucket, version }) => …);
 *     s3.bucket('backups').damage('parts/one', (bytes) => bytes.subarray(1));
 */
import type { BackupStore, ObjectVersion } from '../../../lib/ports/backup-store.ts';
import type { ListedObject, ObjectStore, StoredObject } from '../../../lib/ports/object-store.ts';
import { MemoryBucket, type MemoryVersion, sha256 } from './memory-bucket.ts';
import { checksumMismatch, noSuchBucket, noSuchKey } from './object-store-errors.ts';

export type ObjectOperation =
  | 'PutObject'
  | 'GetObject'
  | 'ListObjectsV2'
  | 'ListObjectVersions'
  | 'PutObjectTagging';

/**
 * Stands between a caller and the store, for each request: each page of a list is one. `effect` does what was asked, or
 * throws what S3 throws; called again it is the same request once more, as when the SDK tries again.
 */
export type AroundObjects = <Answer>(
  operation: ObjectOperation,
  buckets: readonly string[],
  effect: () => Answer,
  request: { readonly by: string; readonly key: string },
) => Promise<Answer>;

export interface MemoryObjectStoresOptions {
  readonly buckets: readonly string[];
  readonly nowMs: () => number;
  /** Keys of a page; S3's own 1,000 when left out. */
  readonly pageKeys?: number;
}

export interface Put {
  readonly by: string;
  readonly bucket: string;
  readonly version: MemoryVersion;
}

export class MemoryObjectStores {
  readonly #buckets: ReadonlyMap<string, MemoryBucket>;
  readonly #listeners: ((put: Put) => void)[] = [];
  readonly nowMs: () => number;
  readonly pageKeys: number;

  constructor({ buckets, nowMs, pageKeys = 1_000 }: MemoryObjectStoresOptions) {
    this.#buckets = new Map(buckets.map((name) => [name, new MemoryBucket()]));
    this.nowMs = nowMs;
    this.pageKeys = pageKeys;
  }

  /** As S3ObjectStore has it: a get checks the checksum that is stored. */
  objects(bucket: string, by = 'caller', around: AroundObjects = atOnce): ObjectStore {
    return new MemoryStore(this, { bucket, by, around, isChecked: true });
  }

  /** As S3BackupStore has it: a get gives the bytes as they are. */
  backups(bucket: string, by = 'caller', around: AroundObjects = atOnce): BackupStore {
    return new MemoryStore(this, { bucket, by, around, isChecked: false });
  }

  /** What is in a bucket, for invariants and for damage. Throws NoSuchBucket. */
  bucket(name: string): MemoryBucket {
    const found = this.#buckets.get(name);
    if (found === undefined) throw noSuchBucket();
    return found;
  }

  /** Called right after each put. */
  onPut(listener: (put: Put) => void): void {
    this.#listeners.push(listener);
  }

  tell(put: Put): void {
    for (const listener of this.#listeners) listener(put);
  }
}

const atOnce: AroundObjects = async (_operation, _buckets, effect) => effect();

interface CallerOptions {
  readonly bucket: string;
  readonly by: string;
  readonly around: AroundObjects;
  readonly isChecked: boolean;
}

class MemoryStore implements BackupStore {
  readonly #all: MemoryObjectStores;
  readonly #options: CallerOptions;

  constructor(all: MemoryObjectStores, options: CallerOptions) {
    this.#all = all;
    this.#options = options;
  }

  put({ key, body, contentType }: StoredObject, { onlyIfNew = false } = {}): Promise<'stored' | 'exists'> {
    return this.#request('PutObject', key, (bucket) => {
      if (onlyIfNew && bucket.current(key) !== undefined) return 'exists';
      const version = bucket.put(key, body, contentType, this.#all.nowMs());
      this.#all.tell({ by: this.#options.by, bucket: this.#options.bucket, version });
      return 'stored';
    });
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#request('GetObject', key, (bucket) => {
      const version = bucket.current(key);
      if (version?.body === undefined) return undefined;
      const found = this.#options.isChecked ? sha256(version.body) : version.sha256;
      if (found !== version.sha256) throw checksumMismatch(version.sha256, found);
      return Uint8Array.from(version.body);
    });
  }

  async *list(prefix: string): AsyncGenerator<ListedObject, void, undefined> {
    const { pageKeys } = this.#all;
    let after: string | undefined = '';
    while (after !== undefined) {
      const from: string = after;
      const page = await this.#request('ListObjectsV2', prefix, (bucket) =>
        bucket.page(prefix, from, pageKeys + 1),
      );
      const shown = page.slice(0, pageKeys);
      for (const { key, body, storedAtMs } of shown)
        yield { key, bytes: body?.byteLength ?? 0, storedAt: toSecond(storedAtMs) };
      after = page.length > pageKeys ? shown.at(-1)?.key : undefined;
    }
  }

  async *versions(prefix: string): AsyncGenerator<ObjectVersion, void, undefined> {
    const { pageKeys } = this.#all;
    let marker: MemoryVersion | undefined;
    do {
      const from: MemoryVersion | undefined = marker;
      const page = await this.#request('ListObjectVersions', prefix, (bucket) =>
        bucket.versionsPage(prefix, from, pageKeys + 1),
      );
      const shown = page.slice(0, pageKeys);
      for (const { key, versionId, storedAtMs, body } of shown)
        yield { key, versionId, storedAt: toSecond(storedAtMs), bytes: body?.byteLength ?? 0 };
      marker = page.length > pageKeys ? shown.at(-1) : undefined;
    } while (marker !== undefined);
  }

  markExpired(key: string): Promise<void> {
    return this.#request('PutObjectTagging', key, (bucket) => {
      const version = bucket.current(key);
      if (version === undefined) throw noSuchKey();
      version.isExpired = true;
    });
  }

  #request<Answer>(
    operation: ObjectOperation,
    key: string,
    effect: (bucket: MemoryBucket) => Answer,
  ): Promise<Answer> {
    const { bucket, by, around } = this.#options;
    return around(operation, [bucket], () => effect(this.#all.bucket(bucket)), { by, key });
  }
}

/** S3 tells times to the second. */
function toSecond(ms: number): string {
  return new Date(Math.floor(ms / 1_000) * 1_000).toISOString();
}
