import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BackupStore, ObjectVersion } from '../lib/ports/backup-store.ts';
import type { StoredObject } from '../lib/ports/object-store.ts';

/** Objects as files, for measuring what is before the bucket: no network, and no memory of this process. */
export class FolderStore implements BackupStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async put({ key, body }: StoredObject, { onlyIfNew = false } = {}): Promise<'stored' | 'exists'> {
    const file = join(this.#folder, key);
    await mkdir(dirname(file), { recursive: true });
    try {
      await writeFile(file, body, { flag: onlyIfNew ? 'wx' : 'w' });
      return 'stored';
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return 'exists';
      throw error;
    }
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(join(this.#folder, key));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async *list(prefix: string): AsyncGenerator<{ key: string; bytes: number }, void, undefined> {
    const found = await readdir(join(this.#folder, prefix), { recursive: true, withFileTypes: true }).catch(
      () => [],
    );
    const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    for (const file of files.sort()) {
      yield { key: file.slice(this.#folder.length + 1), bytes: (await stat(file)).size };
    }
  }

  async *versions(prefix: string): AsyncGenerator<ObjectVersion, void, undefined> {
    for await (const { key, bytes } of this.list(prefix)) yield { key, bytes, versionId: '1', storedAt: '' };
  }

  async markExpired(): Promise<void> {
    throw new Error('a folder has no tags');
  }
}
