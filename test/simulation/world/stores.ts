/** A bucket of a run: versions are kept, as S3 keeps them, and each caller has its own way to it. */
import type { BackupStore, ObjectVersion } from '../../../lib/ports/backup-store.ts';
import type { ListedObject, StoredObject } from '../../../lib/ports/object-store.ts';
import { MemoryBackupStore } from '../../helpers/memory-backup-store.ts';
import type { Part } from './part.ts';

export class Bucket {
  readonly #objects = new MemoryBackupStore();

  /** The last version of an object, for those who only look. */
  peek(key: string): Uint8Array | undefined {
    return this.#objects.read(key);
  }

  clientOf(part: Part): BackupStore {
    const objects = this.#objects;
    const ask = <T>(call: string, effect: () => T): Promise<T> => part.ask('s3', `s3 ${call}`, effect);
    return {
      put: ({ key, body }: StoredObject, { onlyIfNew = false } = {}) =>
        ask('put', () => {
          if (onlyIfNew && objects.read(key) !== undefined) return 'exists' as const;
          objects.write(key, Uint8Array.from(body));
          return 'stored' as const;
        }),
      get: (key: string) => ask('get', () => objects.read(key)),
      list: async function* (prefix: string): AsyncGenerator<ListedObject, void, undefined> {
        yield* await ask('list', () =>
          objects.keys(prefix).map((key) => ({ key, bytes: objects.read(key)?.length ?? 0 })),
        );
      },
      versions: async function* (prefix: string): AsyncGenerator<ObjectVersion, void, undefined> {
        yield* await ask('versions', () =>
          objects.keys(prefix).flatMap((key) =>
            (objects.objects.get(key) ?? []).map(({ length }, index) => ({
              key,
              versionId: String(index),
              storedAt: new Date(Date.now()).toISOString(),
              bytes: length,
            })),
          ),
        );
      },
      markExpired: (key: string) => ask('mark', () => void objects.expired.push(key)),
    };
  }
}
