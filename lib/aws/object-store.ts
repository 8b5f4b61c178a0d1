/** A bucket of S3 behind the port: whole objects by single puts, each with its SHA-256. */
import { createHash } from 'node:crypto';
import {
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  type PutObjectCommandInput,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { ListedObject, ObjectStore, StoredObject } from '../ports/object-store.ts';
import { requestPatience } from './request-patience.ts';
import { unlogged } from './unlogged.ts';

/** S3 takes no more in a single put. */
const putBytesMax = 5 * 1024 ** 3;

export type ObjectStoreErrorCode = 'OBJECT_TOO_LARGE';

export class ObjectStoreError extends Error {
  override readonly name = 'ObjectStoreError';
  readonly code: ObjectStoreErrorCode;

  constructor(code: ObjectStoreErrorCode, what: string) {
    super(`${code}: ${what}`);
    this.code = code;
  }
}

export interface S3ObjectStoreOptions {
  readonly client: S3Client;
  readonly bucket: string;
}

export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor({ client, bucket }: S3ObjectStoreOptions) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async put(object: StoredObject, { onlyIfNew = false } = {}): Promise<'stored' | 'exists'> {
    try {
      await this.#client.send(new PutObjectCommand(putInput(this.#bucket, object, onlyIfNew)));
      return 'stored';
    } catch (error) {
      // PreconditionFailed: the key is taken.
      if (onlyIfNew && error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412)
        return 'exists';
      throw error;
    }
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    try {
      const { Body } = await this.#client.send(
        // The SDK checks the checksum that S3 has stored while it reads.
        new GetObjectCommand({ Bucket: this.#bucket, Key: key, ChecksumMode: 'ENABLED' }),
      );
      return (await Body?.transformToByteArray()) ?? new Uint8Array();
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  async *list(prefix: string): AsyncGenerator<ListedObject, void, undefined> {
    const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.#bucket, Prefix: prefix });
    for await (const { Contents } of pages) {
      for (const { Key, Size, LastModified } of Contents ?? []) {
        if (Key === undefined) continue;
        const storedAt = LastModified?.toISOString();
        yield { key: Key, bytes: Size ?? 0, ...(storedAt === undefined ? {} : { storedAt }) };
      }
    }
  }
}

/** What is sent to S3: the checksum is ours, over the bytes that we meant, so that S3 refuses any others. */
export function putInput(bucket: string, object: StoredObject, onlyIfNew: boolean): PutObjectCommandInput {
  const { key, body, contentType } = object;
  if (body.byteLength > putBytesMax) {
    throw new ObjectStoreError(
      'OBJECT_TOO_LARGE',
      `${key} has ${body.byteLength} bytes, and a single put takes ${putBytesMax}; nothing was written. Store it in parts of its own.`,
    );
  }
  return {
    Bucket: bucket,
    Key: key,
    Body: body,
    ContentType: contentType,
    ContentLength: body.byteLength,
    // The header of that name is what a bucket with Object Lock asks for.
    ChecksumAlgorithm: 'SHA256',
    ChecksumSHA256: createHash('sha256').update(body).digest('base64'),
    ...(onlyIfNew ? { IfNoneMatch: '*' } : {}),
  };
}

/** Region, credentials and endpoint come from the environment. */
export function openObjectStore(bucket: string): ObjectStore {
  // A large object takes longer than an answer of a few words.
  const requestHandler = { ...requestPatience, requestTimeout: 60_000 };
  return new S3ObjectStore({ client: unlogged(new S3Client({ requestHandler })), bucket });
}
