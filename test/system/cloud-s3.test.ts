import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import { STACK, temporaryFolder, writeAssembly } from '../helpers/cloud-fixture.ts';
import { bucketsTemplate, locked, plain, versioned } from '../helpers/cloud-templates.ts';

/**
 * The contract of S3 as the project uses it. `EVENKEEL_S3_ENDPOINT` runs the first part against another endpoint, whose
 * buckets of these names exist: `plain`, `versioned` (versions on) and `locked` (Object Lock, governance, one day).
 */
const elsewhere = process.env.EVENKEEL_S3_ENDPOINT;
const { folder, remove } = temporaryFolder();
let cloud: LocalCloud;
let s3: S3Client;

const clientOf = (accessKeyId: string, endpoint = elsewhere ?? cloud.endpoint): S3Client =>
  new S3Client({
    endpoint,
    region: 'eu-west-1',
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey: 'local' },
  });

const start = async (): Promise<LocalCloud> =>
  startCloud({
    assembly: writeAssembly(folder, bucketsTemplate()),
    stack: STACK,
    dataDir: `${folder}/data`,
  });

beforeAll(async () => {
  if (elsewhere === undefined) cloud = await start();
  s3 = clientOf('operator');
});

afterAll(async () => {
  s3.destroy();
  await cloud?.stop();
  remove();
});

const put = (
  key: string,
  body: string,
  more: Partial<ConstructorParameters<typeof PutObjectCommand>[0]> = {},
): PutObjectCommand => new PutObjectCommand({ Bucket: plain, Key: key, Body: body, ...more });
const read = async (key: string, bucket = plain, versionId?: string): Promise<string> => {
  const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));
  return answer.Body?.transformToString() ?? '';
};
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64');
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

describe('objects', () => {
  it('keeps bytes, type, metadata and ETag, and answers them', async () => {
    const answer = await s3.send(
      put('a/one.json', '{"x":1}', { ContentType: 'application/json', Metadata: { run: '17' } }),
    );
    expect(answer.ETag).toBe(`"${md5('{"x":1}')}"`);
    const found = await s3.send(new GetObjectCommand({ Bucket: plain, Key: 'a/one.json' }));
    expect(await found.Body?.transformToString()).toBe('{"x":1}');
    expect(found).toMatchObject({
      ContentType: 'application/json',
      ContentLength: 7,
      Metadata: { run: '17' },
      ETag: answer.ETag,
    });
    const head = await s3.send(new HeadObjectCommand({ Bucket: plain, Key: 'a/one.json' }));
    expect(head).toMatchObject({ ContentLength: 7, Metadata: { run: '17' } });
    expect(head.LastModified?.getTime()).toBeGreaterThan(Date.now() - 60_000);
  });

  it.each(['with space + plus.txt', 'ünïcode/…/ключ', 'a//b/../c', 'q\'"<&>', 'x=1?y#z%20'])(
    'takes the key %s as it is',
    async (key) => {
      await s3.send(put(key, key));
      expect(await read(key)).toBe(key);
      const { Contents: list } = await s3.send(new ListObjectsV2Command({ Bucket: plain, Prefix: key }));
      expect(list?.map((one) => one.Key)).toEqual([key]);
    },
  );

  it('an empty object, and one of some megabytes', async () => {
    await s3.send(put('empty', ''));
    expect(await read('empty')).toBe('');
    const large = Buffer.alloc(5_000_000, 'abcdefg');
    await s3.send(new PutObjectCommand({ Bucket: plain, Key: 'large', Body: large }));
    const answer = await s3.send(new GetObjectCommand({ Bucket: plain, Key: 'large' }));
    expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? [])).toEqual(large);
  });

  it('a stream comes in chunks with its checksum behind it, and is stored as what it was', async () => {
    const parts = Array.from({ length: 50 }, (_none, n) => `part ${n} `.repeat(500));
    const body = parts.join('');
    await s3.send(
      new PutObjectCommand({
        Bucket: plain,
        Key: 'streamed',
        Body: Readable.from(parts),
        ContentLength: body.length,
        ContentEncoding: 'identity',
      }),
    );
    const answer = await s3.send(
      new GetObjectCommand({ Bucket: plain, Key: 'streamed', ChecksumMode: 'ENABLED' }),
    );
    expect(await answer.Body?.transformToString()).toBe(body);
    expect(answer.ContentEncoding).toBe('identity');
    expect(answer.ChecksumCRC32).toMatch(/^.{8}$/);
  });

  it('parts of an object', async () => {
    await s3.send(put('ranged', '0123456789'));
    const part = async (Range: string): Promise<unknown> => {
      const answer = await s3.send(new GetObjectCommand({ Bucket: plain, Key: 'ranged', Range }));
      return [await answer.Body?.transformToString(), answer.ContentRange];
    };
    expect(await part('bytes=2-4')).toEqual(['234', 'bytes 2-4/10']);
    expect(await part('bytes=7-')).toEqual(['789', 'bytes 7-9/10']);
    expect(await part('bytes=-3')).toEqual(['789', 'bytes 7-9/10']);
    expect(await part('bytes=8-99')).toEqual(['89', 'bytes 8-9/10']);
    await expect(part('bytes=10-')).rejects.toMatchObject({ name: 'InvalidRange' });
  });

  it('what is not there', async () => {
    await expect(read('nowhere')).rejects.toMatchObject({ name: 'NoSuchKey' });
    await expect(s3.send(new HeadObjectCommand({ Bucket: plain, Key: 'nowhere' }))).rejects.toMatchObject({
      name: 'NotFound',
    });
    await expect(read('x', 'no-such-bucket')).rejects.toMatchObject({ name: 'NoSuchBucket' });
    await s3.send(new HeadBucketCommand({ Bucket: plain }));
    // Deleting what is not there is no error.
    await s3.send(new DeleteObjectCommand({ Bucket: plain, Key: 'nowhere' }));
  });
});

describe('checksums', () => {
  it('SHA-256 that holds is kept and answered', async () => {
    await s3.send(put('sum', 'hello', { ChecksumSHA256: sha256('hello') }));
    const answer = await s3.send(
      new GetObjectCommand({ Bucket: plain, Key: 'sum', ChecksumMode: 'ENABLED' }),
    );
    expect(answer.ChecksumSHA256).toBe(sha256('hello'));
  });

  it.each<[string, Partial<ConstructorParameters<typeof PutObjectCommand>[0]>]>([
    ['SHA-256', { ChecksumSHA256: sha256('something else') }],
    ['CRC32', { ChecksumCRC32: 'AAAAAA==' }],
    ['SHA-1', { ChecksumSHA1: Buffer.alloc(20).toString('base64') }],
    ['MD5', { ContentMD5: Buffer.alloc(16).toString('base64') }],
  ])('a body whose %s is another is refused, and nothing is stored', async (name, more) => {
    await expect(s3.send(put(`bad-${name}`, 'hello', more))).rejects.toMatchObject({ name: 'BadDigest' });
    await expect(read(`bad-${name}`)).rejects.toMatchObject({ name: 'NoSuchKey' });
  });
});

describe('conditions', () => {
  it('If-None-Match: only one of many writers makes a new object', async () => {
    const writers = Array.from({ length: 8 }, async (_none, n) =>
      s3.send(put('once', `writer ${n}`, { IfNoneMatch: '*' })),
    );
    const results = await Promise.allSettled(writers);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ name: 'PreconditionFailed' });
    expect(await read('once')).toBe(`writer ${results.findIndex(({ status }) => status === 'fulfilled')}`);
  });

  it('If-Match: an object is replaced only if it is the one that was read', async () => {
    const { ETag: first } = await s3.send(put('swap', 'one'));
    await s3.send(put('swap', 'two', { IfMatch: first }));
    await expect(s3.send(put('swap', 'three', { IfMatch: first }))).rejects.toMatchObject({
      name: 'PreconditionFailed',
    });
    expect(await read('swap')).toBe('two');
    await expect(s3.send(put('swap-new', 'x', { IfMatch: first }))).rejects.toMatchObject({
      name: 'NoSuchKey',
    });
  });
});

describe('lists', () => {
  beforeAll(async () => {
    const keys = ['list/a', 'list/b/1', 'list/b/2', 'list/b/c/3', 'list/d', 'list/ä', 'listing', 'list0'];
    for (const key of keys) await s3.send(put(key, key));
  });

  it('by prefix and delimiter, in the order of the bytes', async () => {
    const answer = await s3.send(
      new ListObjectsV2Command({ Bucket: plain, Prefix: 'list/', Delimiter: '/' }),
    );
    expect(answer.Contents?.map(({ Key: key }) => key)).toEqual(['list/a', 'list/d', 'list/ä']);
    expect(answer.CommonPrefixes).toEqual([{ Prefix: 'list/b/' }]);
    expect(answer).toMatchObject({ KeyCount: 4, IsTruncated: false });
    expect(answer.Contents?.[0]).toMatchObject({ Size: 6, ETag: `"${md5('list/a')}"` });
  });

  it.each([1, 2, 3, 5])('in pages of %i', async (MaxKeys) => {
    const keys: string[] = [];
    const config = { client: s3, pageSize: MaxKeys };
    for await (const page of paginateListObjectsV2(config, {
      Bucket: plain,
      Prefix: 'list',
      Delimiter: '/',
    })) {
      expect((page.KeyCount ?? 0) <= MaxKeys).toBe(true);
      keys.push(...(page.Contents ?? []).map(({ Key: key = '' }) => key));
      keys.push(...(page.CommonPrefixes ?? []).map(({ Prefix: prefix = '' }) => prefix));
    }
    expect(keys.toSorted()).toEqual(['list/', 'list0', 'listing']);
  });

  it('after a key', async () => {
    const answer = await s3.send(
      new ListObjectsV2Command({ Bucket: plain, Prefix: 'list/', StartAfter: 'list/b/2' }),
    );
    expect(answer.Contents?.map(({ Key: key }) => key)).toEqual(['list/b/c/3', 'list/d', 'list/ä']);
  });

  it('many are deleted at once', async () => {
    await s3.send(put('gone/1', 'x'));
    const answer = await s3.send(
      new DeleteObjectsCommand({
        Bucket: plain,
        Delete: { Objects: [{ Key: 'gone/1' }, { Key: 'gone/<&>' }] },
      }),
    );
    expect(answer.Deleted?.map(({ Key: key }) => key)).toEqual(['gone/1', 'gone/<&>']);
    await expect(read('gone/1')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });
});

describe('versions', () => {
  const write = async (key: string, body: string): Promise<string> =>
    (await s3.send(put(key, body, { Bucket: versioned }))).VersionId ?? '';

  it('an object that is overwritten or deleted is still there under its version', async () => {
    const first = await write('v', 'one');
    const second = await write('v', 'two');
    const deleted = await s3.send(new DeleteObjectCommand({ Bucket: versioned, Key: 'v' }));
    expect(deleted.DeleteMarker).toBe(true);
    await expect(read('v', versioned)).rejects.toMatchObject({ name: 'NoSuchKey' });
    expect(await read('v', versioned, first)).toBe('one');
    expect(await read('v', versioned, second)).toBe('two');
    const list = await s3.send(new ListObjectVersionsCommand({ Bucket: versioned, Prefix: 'v' }));
    expect(list.Versions?.map(({ VersionId: id, IsLatest: latest }) => [id, latest])).toEqual([
      [second, false],
      [first, false],
    ]);
    expect(list.DeleteMarkers).toMatchObject([{ VersionId: deleted.VersionId, IsLatest: true }]);
    // Without its marker it is there again.
    await s3.send(new DeleteObjectCommand({ Bucket: versioned, Key: 'v', VersionId: deleted.VersionId }));
    expect(await read('v', versioned)).toBe('two');
    await s3.send(new DeleteObjectCommand({ Bucket: versioned, Key: 'v', VersionId: second }));
    expect(await read('v', versioned)).toBe('one');
    await expect(read('v', versioned, second)).rejects.toMatchObject({ name: 'NoSuchVersion' });
  });

  it('their list comes in pages', async () => {
    const ids: string[] = [];
    for (const body of ['1', '2', '3', '4', '5']) ids.unshift(await write('paged', body));
    const seen: (string | undefined)[] = [];
    let KeyMarker: string | undefined;
    let VersionIdMarker: string | undefined;
    do {
      const page = await s3.send(
        new ListObjectVersionsCommand({
          Bucket: versioned,
          Prefix: 'paged',
          MaxKeys: 2,
          KeyMarker,
          VersionIdMarker,
        }),
      );
      seen.push(...(page.Versions ?? []).map(({ VersionId: id }) => id));
      KeyMarker = page.NextKeyMarker;
      VersionIdMarker = page.NextVersionIdMarker;
    } while (KeyMarker !== undefined);
    expect(seen).toEqual(ids);
  });

  it('a bucket says whether it has them', async () => {
    const status = async (Bucket: string): Promise<string | undefined> =>
      (await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status;
    expect(await status(versioned)).toBe('Enabled');
    expect(await status(plain)).toBeUndefined();
  });
});

describe('Object Lock', () => {
  it('a version is kept for the bucket’s time: it cannot be deleted but by who says so', async () => {
    const { VersionId } = await s3.send(put('kept', 'evidence', { Bucket: locked }));
    const object = { Bucket: locked, Key: 'kept', VersionId };
    const { Retention: retention } = await s3.send(new GetObjectRetentionCommand(object));
    expect(retention?.Mode).toBe('GOVERNANCE');
    expect(retention?.RetainUntilDate?.getTime()).toBeGreaterThan(Date.now() + 86_000_000);
    await expect(s3.send(new DeleteObjectCommand(object))).rejects.toMatchObject({ name: 'AccessDenied' });
    const many = await s3.send(
      new DeleteObjectsCommand({ Bucket: locked, Delete: { Objects: [{ Key: 'kept', VersionId }] } }),
    );
    expect(many.Errors).toMatchObject([{ Key: 'kept', VersionId, Code: 'AccessDenied' }]);
    // A delete marker hides it, and takes nothing away.
    await s3.send(new DeleteObjectCommand({ Bucket: locked, Key: 'kept' }));
    expect(await read('kept', locked, VersionId)).toBe('evidence');
    await s3.send(new DeleteObjectCommand({ ...object, BypassGovernanceRetention: true }));
    await expect(read('kept', locked, VersionId)).rejects.toMatchObject({ name: 'NoSuchVersion' });
  });

  it('a retention is prolonged by anybody, and shortened by who may bypass it', async () => {
    const { VersionId } = await s3.send(put('longer', 'x', { Bucket: locked }));
    const set = (days: number, BypassGovernanceRetention?: boolean): PutObjectRetentionCommand =>
      new PutObjectRetentionCommand({
        Bucket: locked,
        Key: 'longer',
        VersionId,
        BypassGovernanceRetention,
        Retention: { Mode: 'GOVERNANCE', RetainUntilDate: new Date(Date.now() + days * 86_400_000) },
      });
    await s3.send(set(10));
    await expect(s3.send(set(5))).rejects.toMatchObject({ name: 'AccessDenied' });
    await s3.send(set(0.1, true));
    await s3.send(
      new DeleteObjectCommand({
        Bucket: locked,
        Key: 'longer',
        VersionId,
        BypassGovernanceRetention: true,
      }),
    );
  });

  it('the bucket says its rule', async () => {
    const { ObjectLockConfiguration: lock } = await s3.send(
      new GetObjectLockConfigurationCommand({ Bucket: locked }),
    );
    expect(lock).toEqual({
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } },
    });
  });
});

describe('tags', () => {
  const tagsOf = async (Key: string, Bucket = versioned, VersionId?: string): Promise<unknown> =>
    (await s3.send(new GetObjectTaggingCommand({ Bucket, Key, VersionId }))).TagSet;
  const tag = (
    Key: string,
    TagSet: { Key: string; Value: string }[],
    VersionId?: string,
  ): PutObjectTaggingCommand =>
    new PutObjectTaggingCommand({ Bucket: versioned, Key, VersionId, Tagging: { TagSet } });

  it('come with the object, or later; each version has its own', async () => {
    const { VersionId: first } = await s3.send(
      put('tagged', 'one', { Bucket: versioned, Tagging: 'kind=part&a%20b=x%26y' }),
    );
    await s3.send(put('tagged', 'two', { Bucket: versioned }));
    const both = [
      { Key: 'kind', Value: 'part' },
      { Key: 'a b', Value: 'x&y' },
    ];
    expect(await tagsOf('tagged', versioned, first)).toEqual(expect.arrayContaining(both));
    expect(await tagsOf('tagged')).toEqual([]);
    const expired = [{ Key: 'evenkeel:expire', Value: 'true' }];
    await s3.send(tag('tagged', expired, first));
    expect(await tagsOf('tagged', versioned, first)).toEqual(expired);
    expect(await tagsOf('tagged')).toEqual([]);
    const head = new HeadObjectCommand({ Bucket: versioned, Key: 'tagged', VersionId: first });
    expect((await s3.send(head)).TagCount).toBe(1);
    await s3.send(tag('tagged', [], first));
    expect(await tagsOf('tagged', versioned, first)).toEqual([]);
  });

  it('may be changed while the version is locked', async () => {
    await s3.send(put('tagged', 'evidence', { Bucket: locked }));
    const TagSet = [{ Key: 'evenkeel:expire', Value: 'true' }];
    await s3.send(new PutObjectTaggingCommand({ Bucket: locked, Key: 'tagged', Tagging: { TagSet } }));
    expect(await tagsOf('tagged', locked)).toEqual(TagSet);
  });

  it('more than ten, a key twice, and an object that is not there', async () => {
    const eleven = Array.from({ length: 11 }, (_none, n) => ({ Key: `k${n}`, Value: '' }));
    await s3.send(put('few', 'x', { Bucket: versioned }));
    await expect(s3.send(tag('few', eleven))).rejects.toMatchObject({ name: 'BadRequest' });
    await expect(s3.send(tag('few', [eleven[0]!, eleven[0]!]))).rejects.toMatchObject({ name: 'InvalidTag' });
    await expect(s3.send(tag('nowhere', []))).rejects.toMatchObject({ name: 'NoSuchKey' });
  });
});

describe.skipIf(elsewhere !== undefined)('the local one', () => {
  it('tags need a permission of their own, also on a put', async () => {
    const writer = clientOf('WriterRole');
    const object = { Bucket: versioned, Key: 'snapshots/DU1/tagged' };
    await writer.send(new PutObjectCommand({ ...object, Body: 'x' }));
    for (const command of [
      new PutObjectCommand({ ...object, Body: 'x', Tagging: 'a=b' }),
      new PutObjectTaggingCommand({ ...object, Tagging: { TagSet: [] } }),
    ])
      await expect(writer.send(command as PutObjectCommand)).rejects.toMatchObject({
        name: 'AccessDenied',
        message: expect.stringContaining('s3:PutObjectTagging on resource'),
      });
    await expect(
      writer.send(new PutObjectTaggingCommand({ ...object, VersionId: 'x', Tagging: { TagSet: [] } })),
    ).rejects.toMatchObject({ message: expect.stringContaining('s3:PutObjectVersionTagging') });
  });

  it('a role may do what its policy says: put under its folder, and nothing else', async () => {
    const writer = clientOf('WriterRole');
    const to = (Key: string): PutObjectCommand => new PutObjectCommand({ Bucket: versioned, Key, Body: 'x' });
    await writer.send(to('snapshots/DU1/one.json'));
    await expect(writer.send(to('snapshots/DU2/one.json'))).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining(
        's3:PutObject on resource: arn:aws:s3:::fixture-versioned/snapshots/DU2/one.json',
      ),
    });
    for (const command of [
      new GetObjectCommand({ Bucket: versioned, Key: 'snapshots/DU1/one.json' }),
      new ListObjectsV2Command({ Bucket: versioned }),
      new DeleteObjectCommand({ Bucket: versioned, Key: 'snapshots/DU1/one.json' }),
    ])
      await expect(writer.send(command as GetObjectCommand)).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  it('without the right to list, what is not there is forbidden, not missing', async () => {
    const reader = clientOf('ReaderRole');
    await expect(
      reader.send(new GetObjectCommand({ Bucket: versioned, Key: 'snapshots/nothing' })),
    ).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(
      s3.send(new GetObjectCommand({ Bucket: versioned, Key: 'snapshots/nothing' })),
    ).rejects.toMatchObject({ name: 'NoSuchKey' });
    const { Contents: list } = await reader.send(new ListObjectsV2Command({ Bucket: plain, Prefix: 'a/' }));
    expect(list?.map(({ Key: key }) => key)).toContain('a/one.json');
    await expect(reader.send(new ListObjectsV2Command({ Bucket: plain }))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
  });

  it('the policy of a bucket denies what the role’s own allows', async () => {
    await expect(
      clientOf('WriterRole').send(
        new PutObjectCommand({ Bucket: versioned, Key: 'snapshots/DU1/forbidden', Body: 'x' }),
      ),
    ).rejects.toMatchObject({ name: 'AccessDenied', message: expect.stringContaining('explicit deny') });
  });

  it('what is not there is refused by name, and never half done', async () => {
    const commands: [unknown, string][] = [
      [new CreateMultipartUploadCommand({ Bucket: plain, Key: 'x' }), 'POST of an object'],
      [put('x', 'x', { ACL: 'public-read' }), 'x-amz-acl'],
      [put('x', 'x', { ChecksumAlgorithm: 'CRC32C' }), 'crc32c'],
    ];
    for (const [command, named] of commands) {
      await expect(s3.send(command as PutObjectCommand)).rejects.toMatchObject({
        $metadata: { httpStatusCode: 501 },
        message: expect.stringContaining(named),
      });
    }
  });

  it.each([
    ['cut in a chunk', '5\r\nhel', 'IncompleteBody'],
    ['with a wrong size', '3\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n', 'IncompleteBody'],
    ['with a wrong checksum', '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n', 'BadDigest'],
    ['without the announced trailer', '5\r\nhello\r\n0\r\n\r\n', 'MalformedTrailerError'],
    ['that is none', 'hello', 'IncompleteBody'],
  ])('a chunked body %s is refused', async (_what, body, code) => {
    const answer = await fetch(`${cloud.endpoint}/${plain}/broken`, {
      method: 'PUT',
      body,
      headers: {
        authorization:
          'AWS4-HMAC-SHA256 Credential=operator/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0',
        'content-encoding': 'aws-chunked',
        'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        'x-amz-decoded-content-length': '5',
        'x-amz-trailer': 'x-amz-checksum-crc32',
      },
    });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(`<Code>${code}</Code>`);
    await expect(read('broken')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  it('faults: an answer that is lost, though the object is there; too many requests', async () => {
    cloud.faults.add({ service: 's3', operation: 'PutObject', kind: 'lost-answer', count: 1 });
    await expect(s3.send(put('unanswered', 'x', { IfNoneMatch: '*' }))).rejects.toThrow();
    expect(await read('unanswered')).toBe('x');
    cloud.faults.add({ service: 's3', kind: 'throttling', count: 1 });
    await expect(read('unanswered')).rejects.toMatchObject({ name: 'SlowDown' });
  });

  it('objects and their versions outlive a restart', async () => {
    const { VersionId: first } = await s3.send(put('lasting', 'one', { Bucket: versioned }));
    await s3.send(put('lasting', 'two', { Bucket: versioned }));
    s3.destroy();
    await cloud.stop();
    cloud = await start();
    s3 = clientOf('operator');
    expect(await read('lasting', versioned)).toBe('two');
    expect(await read('lasting', versioned, first)).toBe('one');
    const list = await s3.send(new ListObjectVersionsCommand({ Bucket: versioned, Prefix: 'lasting' }));
    expect(list.Versions).toHaveLength(2);
  });
});
