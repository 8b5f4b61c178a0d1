/** The bucket of backups. Nothing here deletes: what has served its time is marked, and a rule of the bucket does it. */
import {
  GetObjectCommand,
  ListObjectVersionsCommand,
  NoSuchKey,
  PutObjectTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { BackupStore, ObjectVersion } from '../ports/backup-store.ts';
import { S3ObjectStore, type S3ObjectStoreOptions } from './object-store.ts';
import { requestPatience } from './request-patience.ts';
import { unlogged } from './unlogged.ts';

/** The tag that the bucket's lifecycle rule goes by. */
const expiredTag = { Key: 'evenkeel:expire', Value: 'true' } as const;

export class S3BackupStore extends S3ObjectStore implements BackupStore {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(options: S3ObjectStoreOptions) {
    super(options);
    this.#client = options.client;
    this.#bucket = options.bucket;
  }

  /**
   * The bytes as they are: every reader of backups checks their SHA-256 against the manifest and says which part is
   * bad, where the SDK's own check would only say that something was.
   */
  override async get(key: string): Promise<Uint8Array | undefined> {
    try {
      const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
      return (await Body?.transformToByteArray()) ?? new Uint8Array();
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  async *versions(prefix: string): AsyncGenerator<ObjectVersion, void, undefined> {
    let from: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | undefined;
    do {
      const page = await this.#client.send(
        new ListObjectVersionsCommand({ Bucket: this.#bucket, Prefix: prefix, ...from }),
      );
      for (const { Key, VersionId, LastModified, Size } of page.Versions ?? []) {
        if (Key === undefined) continue;
        yield {
          key: Key,
          versionId: VersionId ?? '',
          storedAt: LastModified?.toISOString() ?? '',
          bytes: Size ?? 0,
        };
      }
      from = page.IsTruncated
        ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
        : undefined;
    } while (from !== undefined);
  }

  async markExpired(key: string): Promise<void> {
    await this.#client.send(
      new PutObjectTaggingCommand({ Bucket: this.#bucket, Key: key, Tagging: { TagSet: [expiredTag] } }),
    );
  }
}

/** Region, credentials and endpoint come from the environment. */
export function openBackupStore(bucket: string): BackupStore {
  const requestHandler = { ...requestPatience, requestTimeout: 60_000 };
  const client = unlogged(new S3Client({ requestHandler, responseChecksumValidation: 'WHEN_REQUIRED' }));
  return new S3BackupStore({ client, bucket });
}
