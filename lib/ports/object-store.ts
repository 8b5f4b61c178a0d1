/** An object store with checksums: S3 behind it. */
export interface ObjectStore {
  /** Puts a whole object with its SHA-256. `exists` when the key is taken and was asked for as new; nothing is written. */
  put(object: StoredObject, options?: { readonly onlyIfNew?: boolean }): Promise<'stored' | 'exists'>;
  /** The object's bytes; undefined when there is none. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Keys that begin with `prefix`, in order. */
  list(prefix: string): AsyncGenerator<ListedObject, void, undefined>;
}

export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
  /** When it was written, ISO-8601 UTC, to the second; a store in memory may leave it out. */
  readonly storedAt?: string;
}

export interface StoredObject {
  readonly key: string;
  readonly body: Uint8Array;
  readonly contentType: string;
}
