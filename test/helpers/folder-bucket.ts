/** A bucket of backups in a folder, so that two processes can share it. Every put of a key is a version. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BackupStore, ObjectVersion } from '../../lib/ports/backup-store.ts';
import type { ListedObject, StoredObject } from '../../lib/ports/object-store.ts';

export class FolderBucket implements BackupStore {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  async put({ key, body }: StoredObject, { onlyIfNew = false } = {}): Promise<'stored' | 'exists'> {
    const versions = this.#files(key);
    if (onlyIfNew && versions.length > 0) return 'exists';
    writeFileSync(this.#path(key, versions.length), body);
    return 'stored';
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const last = this.#files(key).at(-1);
    return last === undefined ? undefined : readFileSync(path.join(this.folder, last));
  }

  async *list(prefix: string): AsyncGenerator<ListedObject, void, undefined> {
    for (const key of this.keys(prefix)) yield { key, bytes: (await this.get(key))!.byteLength };
  }

  async *versions(prefix: string): AsyncGenerator<ObjectVersion, void, undefined> {
    for (const key of this.keys(prefix)) {
      for (const file of this.#files(key)) {
        const bytes = readFileSync(path.join(this.folder, file)).byteLength;
        yield { key, versionId: file, storedAt: '2026-01-05T00:00:00.000Z', bytes };
      }
    }
  }

  async markExpired(): Promise<void> {}

  keys(prefix: string): string[] {
    const keys = readdirSync(this.folder).map((file) => Buffer.from(file.split('.')[0]!, 'hex').toString());
    return [...new Set(keys)].filter((key) => key.startsWith(prefix)).sort();
  }

  /** As something else than Evenkeel would write: no new version. */
  overwrite(key: string, body: Uint8Array): void {
    this.remove(key);
    writeFileSync(this.#path(key, 0), body);
  }

  remove(key: string): void {
    for (const file of this.#files(key)) rmSync(path.join(this.folder, file));
  }

  #files(key: string): string[] {
    const versions: string[] = [];
    for (let version = 0; existsSync(this.#path(key, version)); version += 1) {
      versions.push(path.basename(this.#path(key, version)));
    }
    return versions;
  }

  #path(key: string, version: number): string {
    return path.join(this.folder, `${Buffer.from(key).toString('hex')}.${version}`);
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
