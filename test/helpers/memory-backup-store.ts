import type { BackupStore, ObjectVersion } from '../../lib/ports/backup-store.ts';
import type { StoredObject } from '../../lib/ports/object-store.ts';

/** The store was told to fail. */
export class StoreKilled extends Error {}

/** A bucket of backups in memory: versions are kept, and it can be cut off at any call. */
export class MemoryBackupStore implements BackupStore {
  readonly objects = new Map<string, Uint8Array[]>();
  readonly expired: string[] = [];
  calls = 0;
  /** The call at which it fails, and all after it. */
  killedAt = Number.POSITIVE_INFINITY;
  /** Keys whose first answer is lost: the object is stored, and the next attempt finds it there. */
  readonly lostAnswers = new Set<string>();

  async put({ key, body }: StoredObject, { onlyIfNew = false } = {}): Promise<'stored' | 'exists'> {
    this.#count();
    if (onlyIfNew && this.objects.has(key)) return 'exists';
    this.write(key, Uint8Array.from(body));
    return this.lostAnswers.has(key) ? 'exists' : 'stored';
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#count();
    return this.read(key);
  }

  async *list(prefix: string): AsyncGenerator<{ key: string; bytes: number }, void, undefined> {
    this.#count();
    for (const key of this.keys(prefix)) yield { key, bytes: this.read(key)?.length ?? 0 };
  }

  async *versions(prefix: string): AsyncGenerator<ObjectVersion, void, undefined> {
    this.#count();
    for (const key of this.keys(prefix)) {
      for (const [index, { length }] of (this.objects.get(key) ?? []).entries()) {
        yield { key, versionId: String(index), storedAt: '2026-01-05T03:15:00.000Z', bytes: length };
      }
    }
  }

  async markExpired(key: string): Promise<void> {
    this.#count();
    this.expired.push(key);
  }

  keys(prefix = ''): string[] {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  read(key: string): Uint8Array | undefined {
    return this.objects.get(key)?.at(-1);
  }

  /** A new version beside those that are there. */
  write(key: string, body: Uint8Array): void {
    this.objects.set(key, [...(this.objects.get(key) ?? []), body]);
  }

  /** As if the disk had forgotten: the one version has other bytes. */
  damage(key: string, change: (body: Uint8Array) => Uint8Array | undefined): void {
    const body = change(Uint8Array.from(this.read(key) ?? []));
    if (body === undefined) this.objects.delete(key);
    else this.objects.set(key, [body]);
  }

  copy(): MemoryBackupStore {
    const other = new MemoryBackupStore();
    for (const [key, versions] of this.objects) other.objects.set(key, [...versions]);
    return other;
  }

  #count(): void {
    this.calls += 1;
    if (this.calls >= this.killedAt) throw new StoreKilled(`killed at call ${this.calls}`);
  }
}
