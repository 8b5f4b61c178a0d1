/** A bucket of a run: the S3 in memory that passes the cases of the real adapters, and each caller's own way to it. */
import type { BackupStore } from '../../../lib/ports/backup-store.ts';
import { MemoryObjectStores, type ObjectOperation } from '../memory/object-store.ts';
import type { Part } from './part.ts';

/** As the calls in which a part may die are named. */
const calls: Readonly<Record<ObjectOperation, string>> = {
  PutObject: 's3 put',
  GetObject: 's3 get',
  ListObjectsV2: 's3 list',
  ListObjectVersions: 's3 versions',
  PutObjectTagging: 's3 mark',
};

export class Bucket {
  readonly #name: string;
  readonly #stores: MemoryObjectStores;

  constructor(name: string, nowMs: () => number) {
    this.#name = name;
    this.#stores = new MemoryObjectStores({ buckets: [name], nowMs });
  }

  /** The last version of an object, for those who only look. */
  peek(key: string): Uint8Array | undefined {
    return this.#stores.bucket(this.#name).current(key)?.body;
  }

  clientOf(part: Pick<Part, 'name' | 'ask'>): BackupStore {
    return this.#stores.backups(this.#name, part.name, (operation, _buckets, effect) =>
      part.ask('s3', `${calls[operation]} ${this.#name}`, effect),
    );
  }
}
