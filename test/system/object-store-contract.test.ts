import { createHash } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { S3BackupStore } from '../../lib/aws/backup-store.ts';
import { S3ObjectStore } from '../../lib/aws/object-store.ts';
import type { ObjectVersion } from '../../lib/ports/backup-store.ts';
import type { StoredObject } from '../../lib/ports/object-store.ts';
import { startCloud } from '../../sandbox/cloud/cloud.ts';
import { STACK, temporaryFolder, writeAssembly } from '../helpers/cloud-fixture.ts';
import { bucketsTemplate, locked } from '../helpers/cloud-templates.ts';
import { findMoto, startMoto } from '../helpers/moto.ts';
import { objectCases, type Stores } from '../simulation/memory/contract/object-cases.ts';

/**
 * What the object and backup stores promise, against the sandbox's S3 and against moto's: what holds at both holds
 * because of the stores, and not because both sides were written here.
 */
interface Target {
  readonly title: string;
  readonly missing: boolean;
  readonly isMoto: boolean;
  /** An endpoint with the bucket `locked`: versions and Object Lock, governance, one day. */
  readonly start: () => Promise<{ readonly endpoint: string; readonly stop: () => Promise<void> }>;
}

const moto = findMoto();
const targets: readonly Target[] = [
  { title: 'the sandbox’s S3', missing: false, isMoto: false, start: startSandbox },
  {
    title: moto === undefined ? 'moto (skipped: no moto_server on the PATH)' : 'moto',
    missing: moto === undefined,
    isMoto: true,
    start: async () => startWithMoto(moto ?? ''),
  },
];

async function startSandbox(): ReturnType<Target['start']> {
  const { folder, remove } = temporaryFolder();
  const assembly = writeAssembly(folder, bucketsTemplate());
  const cloud = await startCloud({ assembly, stack: STACK, dataDir: `${folder}/data` });
  const stop = async (): Promise<void> => {
    await cloud.stop();
    remove();
  };
  return { endpoint: cloud.endpoint, stop };
}

async function startWithMoto(command: string): ReturnType<Target['start']> {
  const server = await startMoto(command);
  const s3 = clientOf(server.endpoint);
  const Bucket = locked;
  await s3.send(
    new CreateBucketCommand({
      Bucket,
      ObjectLockEnabledForBucket: true,
      CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
    }),
  );
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  await s3.send(
    new PutObjectLockConfigurationCommand({
      Bucket,
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } },
      },
    }),
  );
  s3.destroy();
  return server;
}

/** A client; with `input` what every request of it carries beside its own. */
function clientOf(endpoint: string, input: (command: string) => object = () => ({})): S3Client {
  const client = new S3Client({
    endpoint,
    region: 'eu-west-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
  });
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) =>
        next({ ...args, input: { ...input(commandName), ...args.input } }),
    { step: 'initialize' },
  );
  return client;
}

const object = (key: string, text: string): StoredObject => ({
  key,
  body: Buffer.from(text),
  contentType: 'application/json',
});
async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of source) found.push(one);
  return found;
}
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64');

describe.each(targets)('$title', ({ missing, isMoto, start }) => {
  let endpoint: string;
  let s3: S3Client;
  let stop: (() => Promise<void>) | undefined;
  let store: S3BackupStore;

  beforeAll(async () => {
    if (missing) return;
    const started = await start();
    ({ endpoint, stop } = started);
    s3 = clientOf(endpoint);
    store = new S3BackupStore({ client: s3, bucket: locked });
  });

  afterAll(async () => {
    s3?.destroy();
    await stop?.();
  });

  const text = async (key: string): Promise<string | undefined> => {
    const bytes = await store.get(key);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString();
  };
  const versionsOf = async (prefix: string, from = store): Promise<ObjectVersion[]> =>
    all(from.versions(prefix));

  describe.skipIf(missing)('objects', () => {
    it('are put whole with their SHA-256 and type, and come back to the byte', async () => {
      const body = Buffer.from(Array.from({ length: 70_000 }, (_none, n) => n % 251));
      expect(await store.put({ key: 'parts/one', body, contentType: 'application/zstd' })).toBe('stored');
      expect(Buffer.from((await store.get('parts/one')) ?? [])).toEqual(body);
      const plain = new S3ObjectStore({ client: s3, bucket: locked });
      expect(Buffer.from((await plain.get('parts/one')) ?? [])).toEqual(body);
      const head = await s3.send(
        new HeadObjectCommand({ Bucket: locked, Key: 'parts/one', ChecksumMode: 'ENABLED' }),
      );
      expect(head).toMatchObject({
        ContentType: 'application/zstd',
        ContentLength: 70_000,
        ChecksumSHA256: createHash('sha256').update(body).digest('base64'),
      });
    });

    // moto keeps a checksum that it is given and does not compare it with the body; S3 does.
    it.skipIf(isMoto)('a body that changed on the way is refused, and nothing is stored', async () => {
      const put = new PutObjectCommand({
        Bucket: locked,
        Key: 'changed',
        Body: 'hello',
        ChecksumSHA256: sha256('something else'),
      });
      await expect(s3.send(put)).rejects.toMatchObject({ name: 'BadDigest' });
      expect(await text('changed')).toBeUndefined();
    });
  });

  describe.skipIf(missing)('only if new', () => {
    // moto looks and then writes, in threads: S3 holds the condition against writers at the same time.
    it.skipIf(isMoto)('of many writers at once one stores', async () => {
      const answers = await Promise.all(
        Array.from({ length: 8 }, async (_none, n) =>
          store.put(object('manifests/000002.json', `writer ${n}`), { onlyIfNew: true }),
        ),
      );
      expect(answers.filter((answer) => answer === 'stored')).toHaveLength(1);
      expect(await text('manifests/000002.json')).toBe(`writer ${answers.indexOf('stored')}`);
    });
  });

  describe.skipIf(missing)('what the store in memory promises too', () => {
    const stores = (): Stores => ({
      objects: new S3ObjectStore({ client: s3, bucket: locked }),
      backups: store,
      paged: new S3BackupStore({
        client: clientOf(endpoint, (command) => (command.startsWith('List') ? { MaxKeys: 2 } : {})),
        bucket: locked,
      }),
      nowhere: new S3BackupStore({ client: s3, bucket: 'fixture-no-such-bucket' }),
      remove: async (key) => {
        await s3.send(new DeleteObjectCommand({ Bucket: locked, Key: key }));
      },
    });

    it.each(objectCases)('$name', async ({ run, gives, motoGives = gives }) => {
      expect(await run(stores())).toEqual(isMoto ? motoGives : gives);
    });

    it('an id of a version gives that version, stored when it was put', async () => {
      for (const body of ['1', '22']) await store.put(object('ids', body));
      for (const { key, versionId, bytes, storedAt } of await versionsOf('ids')) {
        const answer = await s3.send(
          new GetObjectCommand({ Bucket: locked, Key: key, VersionId: versionId }),
        );
        expect(await answer.Body?.transformToString()).toHaveLength(bytes);
        expect(Math.abs(Date.parse(storedAt) - Date.now())).toBeLessThan(60_000);
      }
    });
  });

  describe.skipIf(missing)('what is kept', () => {
    it('a version has the bucket’s retention and cannot be deleted before its time', async () => {
      await store.put(object('kept', 'evidence'));
      const [{ versionId } = { versionId: '' }] = await versionsOf('kept');
      const version = { Bucket: locked, Key: 'kept', VersionId: versionId };
      // By HEAD: the SDK cannot read moto's answer to GetObjectRetention, whose XML begins with an empty line.
      const head = await s3.send(new HeadObjectCommand(version));
      expect(head.ObjectLockMode).toBe('GOVERNANCE');
      const untilMs = head.ObjectLockRetainUntilDate?.getTime() ?? 0;
      expect(untilMs).toBeGreaterThan(Date.now() + 23 * 3_600_000);
      expect(untilMs).toBeLessThan(Date.now() + 25 * 3_600_000);
      await expect(s3.send(new DeleteObjectCommand(version))).rejects.toMatchObject({ name: 'AccessDenied' });
      // Overwritten and deleted: the version is still what it was.
      await store.put(object('kept', 'another'));
      await s3.send(new DeleteObjectCommand({ Bucket: locked, Key: 'kept' }));
      const answer = await s3.send(new GetObjectCommand(version));
      expect(await answer.Body?.transformToString()).toBe('evidence');
    });

    it('what is expired is marked by its tag alone, also while it is locked, and more than once', async () => {
      await store.put(object('old', 'part'));
      const tags = async (Key: string): Promise<unknown> =>
        (await s3.send(new GetObjectTaggingCommand({ Bucket: locked, Key }))).TagSet;
      expect(await tags('old')).toEqual([]);
      await store.markExpired('old');
      await store.markExpired('old');
      expect(await tags('old')).toEqual([{ Key: 'evenkeel:expire', Value: 'true' }]);
      expect(await text('old')).toBe('part');
      expect(await versionsOf('old')).toHaveLength(1);
      await expect(store.markExpired('nowhere')).rejects.toMatchObject({ name: 'NoSuchKey' });
    });
  });
});
