import { createHash } from 'node:crypto';
import { NoSuchKey, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { putInput, S3ObjectStore } from '../../../lib/aws/object-store.ts';

const object = {
  key: 'snapshots/DU1/a.json',
  body: new TextEncoder().encode('{"ä":1}'),
  contentType: 'application/json',
};

/** A store whose every call S3 refuses. */
function refusing(error: Error): S3ObjectStore {
  const client = { send: () => Promise.reject(error) } as unknown as S3Client;
  return new S3ObjectStore({ client, bucket: 'b' });
}

describe('what is sent to S3', () => {
  it('has the SHA-256 of the bytes and their length, and nothing that would replace an object', () => {
    expect(putInput('b', object, true)).toEqual({
      Bucket: 'b',
      Key: object.key,
      Body: object.body,
      ContentType: 'application/json',
      ContentLength: 8,
      ChecksumAlgorithm: 'SHA256',
      ChecksumSHA256: createHash('sha256').update('{"ä":1}').digest('base64'),
      IfNoneMatch: '*',
    });
    expect(putInput('b', object, false)).not.toHaveProperty('IfNoneMatch');
  });

  it('an object that no single put takes is refused before anything is sent', () => {
    const body = { byteLength: 5 * 1024 ** 3 + 1 } as Uint8Array;
    expect(() => putInput('b', { ...object, body }, true)).toThrow(/OBJECT_TOO_LARGE/);
  });
});

describe('what S3 answers', () => {
  const refusal = (httpStatusCode: number, name: string) =>
    new S3ServiceException({ name, $fault: 'client', $metadata: { httpStatusCode } });

  it('a key that is taken is no error, when it was asked for as new', async () => {
    const store = refusing(refusal(412, 'PreconditionFailed'));
    expect(await store.put(object, { onlyIfNew: true })).toBe('exists');
    await expect(store.put(object)).rejects.toMatchObject({ name: 'PreconditionFailed' });
  });

  it('a refusal of another kind is an error', async () => {
    const store = refusing(refusal(403, 'AccessDenied'));
    await expect(store.put(object, { onlyIfNew: true })).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  it('an object that is not there is undefined', async () => {
    const store = refusing(new NoSuchKey({ $metadata: {}, message: 'no such key' }));
    expect(await store.get('x')).toBeUndefined();
  });
});
