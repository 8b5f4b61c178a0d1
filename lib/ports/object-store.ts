/** An object store with checksums: S3 behind it. */
export interface ObjectStore {
  /** Puts a whole object with its SHA-256. `exists` when the key is taken and was asked for as new; nothing is written. */
  put(object: StoredObject, options?: { readonly onlyIfNew?: boolean }): Promise<'stored' | 'exists'>;
  /** The object's bytes; undefined when there is none. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Keys that begin with `prefix`, in order. */
  list(prefix: string): AsyncGenerator<{ readonly key: string; readonly bytes: number }, void, undefined>;
}

export interface StoredObject {
  readonly key: string;
  readonly body: Uint8Array;
  readonly contentType: string;
}
