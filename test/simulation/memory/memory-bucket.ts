/** One versioned bucket: every put of a key is a version, and nothing is lost but by a rule of the bucket. */
import { createHash } from 'node:crypto';
import { compareText, utf8Bytes } from './attribute-values.ts';
import { keyTooLong } from './object-store-errors.ts';
import { firstAt } from './sorted-nodes.ts';

const keyBytesMax = 1_024;

export interface MemoryVersion {
  readonly key: string;
  readonly versionId: string;
  readonly storedAtMs: number;
  /** Undefined for a mark that the key was deleted. */
  readonly body: Uint8Array | undefined;
  /** Of the bytes as they were put, base64. */
  readonly sha256: string;
  readonly contentType: string;
  /** Marked as one that the bucket's rule may take away. */
  isExpired: boolean;
}

export class MemoryBucket {
  /** The newest last. */
  readonly #versions = new Map<string, MemoryVersion[]>();
  readonly #keys: string[] = [];
  #count = 0;

  current(key: string): MemoryVersion | undefined {
    const newest = this.#versions.get(key)?.at(-1);
    return newest?.body === undefined ? undefined : newest;
  }

  put(key: string, body: Uint8Array, contentType: string, nowMs: number): MemoryVersion {
    if (utf8Bytes(key) > keyBytesMax) throw keyTooLong();
    return this.#add(key, { body: Uint8Array.from(body), contentType, nowMs });
  }

  /** The key is gone; its versions stay. */
  remove(key: string, nowMs: number): void {
    this.#add(key, { body: undefined, contentType: '', nowMs });
  }

  /** As if the disk had forgotten: the newest version has other bytes, and its checksum is the one that was stored. */
  damage(key: string, change: (body: Uint8Array) => Uint8Array): void {
    const versions = this.#versions.get(key);
    const newest = versions?.at(-1);
    if (versions === undefined || newest?.body === undefined)
      throw new RangeError(`There is no object ${key} to damage.`);
    versions[versions.length - 1] = { ...newest, body: change(Uint8Array.from(newest.body)) };
  }

  /** Current objects with keys behind `after` that begin with `prefix`, in the order of their keys. */
  page(prefix: string, after: string, max: number): readonly MemoryVersion[] {
    const found: MemoryVersion[] = [];
    for (const key of this.keys(prefix, after)) {
      const version = this.current(key);
      if (version !== undefined) found.push(version);
      if (found.length === max) break;
    }
    return found;
  }

  /** Versions behind `after`, by key and the newest of a key first, without the marks. */
  versionsPage(prefix: string, after: MemoryVersion | undefined, max: number): readonly MemoryVersion[] {
    const found: MemoryVersion[] =
      after === undefined ? [] : this.versions(after.key).slice(this.#behind(after));
    for (const key of this.keys(prefix, after?.key)) {
      if (found.length >= max) break;
      found.push(...this.versions(key));
    }
    return found.slice(0, max);
  }

  /** Versions of a key, the newest first, without the marks. */
  versions(key: string): readonly MemoryVersion[] {
    return (this.#versions.get(key) ?? []).filter(({ body }) => body !== undefined).toReversed();
  }

  #behind({ key, versionId }: MemoryVersion): number {
    return this.versions(key).findIndex((version) => version.versionId === versionId) + 1;
  }

  /** All keys that ever had a version, in order. */
  *keys(prefix = '', after = ''): Generator<string, void, undefined> {
    const from = compareText(prefix, after) > 0 ? prefix : after;
    for (
      let at = firstAt(this.#keys, (key) => compareText(key, from) >= 0);
      at < this.#keys.length;
      at += 1
    ) {
      const key = this.#keys[at]!;
      if (key === after) continue;
      if (!key.startsWith(prefix)) return;
      yield key;
    }
  }

  #add(
    key: string,
    { body, contentType, nowMs }: Pick<MemoryVersion, 'body' | 'contentType'> & { readonly nowMs: number },
  ): MemoryVersion {
    this.#count += 1;
    const version: MemoryVersion = {
      key,
      versionId: idOf(this.#count),
      storedAtMs: nowMs,
      body,
      sha256: body === undefined ? '' : sha256(body),
      contentType,
      isExpired: false,
    };
    const versions = this.#versions.get(key);
    if (versions !== undefined) versions.push(version);
    else {
      this.#versions.set(key, [version]);
      this.#keys.splice(
        firstAt(this.#keys, (one) => compareText(one, key) >= 0),
        0,
        key,
      );
    }
    return version;
  }
}

/** Ids of versions are opaque: their order is not that of time. */
function idOf(count: number): string {
  return createHash('sha256').update(String(count)).digest('base64url').slice(0, 32);
}

export function sha256(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('base64');
}
