import type { Filled } from '../domain/safety/placeholder.ts';

/** A key of a secret: its name and whether something stands there, never what. */
export interface SecretKey {
  readonly name: string;
  readonly state: Filled;
}

export interface SecretFacts {
  readonly name: string;
  /** Unix ms; undefined where the store does not say. */
  readonly changedAtMs: number | undefined;
  /** Undefined where the value is no JSON object, or the caller may not read it. */
  readonly keys: readonly SecretKey[] | undefined;
  /** Why there are no keys; `''` where there are. */
  readonly problem: string;
}

/** A JSON object of texts, or of objects of texts. */
export interface SecretValue {
  readonly [key: string]: string | SecretValue;
}

/** The secrets of a stage. Values go in and never come out, so nothing above this port can show one. */
export interface SecretStore {
  /** Those whose name begins so, by name. */
  list(prefix: string): Promise<readonly SecretFacts[]>;
  /** Undefined where there is no such secret. */
  look(name: string): Promise<SecretFacts | undefined>;
  /**
   * Makes the secret, or gives it a new value.
   *
   * @param keep keys that the value does not name stay as they are
   * @throws SecretStoreError
   */
  write(name: string, value: SecretValue, keep: boolean): Promise<'created' | 'changed'>;
}

export type SecretStoreErrorCode = 'SECRET_TOO_LARGE' | 'SECRET_NOT_JSON' | 'SECRET_BEING_DELETED';

/** The secret cannot be written like this. Nothing was. */
export class SecretStoreError extends Error {
  override readonly name = 'SecretStoreError';
  readonly code: SecretStoreErrorCode;

  constructor(code: SecretStoreErrorCode, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}
