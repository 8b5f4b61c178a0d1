/** The S3 of the simulation; test/system/object-store-contract.test.ts asks the local cloud's S3 the same cases. */
import { describe, expect, it } from 'vitest';
import { collect } from '../../helpers/dynamo-engine.ts';
import { objectCases, type Stores } from '../../simulation/memory/contract/object-cases.ts';
import { MemoryObjectStores } from '../../simulation/memory/object-store.ts';
import { conditionalConflict, slowDown } from '../../simulation/memory/object-store-errors.ts';

const nowMs = () => Date.UTC(2026, 0, 5, 14, 30, 0, 123);
const utf8 = (text: string) => ({ body: Buffer.from(text), contentType: 'text/plain' });

describe('the S3 in memory', () => {
  const all = new MemoryObjectStores({ buckets: ['one'], nowMs, pageKeys: 2 });
  const stores: Stores = {
    objects: all.objects('one'),
    backups: all.backups('one'),
    paged: all.backups('one'),
    nowhere: all.backups('two'),
    remove: async (key) => all.bucket('one').remove(key, nowMs()),
  };

  it.each(objectCases)('$name', async ({ run, gives }) => {
    expect(await run(stores)).toEqual(gives);
  });

  it('damaged bytes are refused by the port that checks, and given as they are by that of backups', async () => {
    await stores.objects.put({ key: 'damaged', ...utf8('whole') });
    all.bucket('one').damage('damaged', (body) => body.subarray(1));
    await expect(stores.objects.get('damaged')).rejects.toThrow(/Checksum mismatch/);
    expect(Buffer.from((await stores.backups.get('damaged'))!).toString()).toBe('hole');
  });

  it('whoever stands around a request may refuse it, do it twice, or lose its answer; puts are told once done', async () => {
    const told: string[] = [];
    const asked: string[] = [];
    const s3 = new MemoryObjectStores({ buckets: ['one'], nowMs });
    s3.onPut(({ by, bucket, version }) => told.push(`${by} ${bucket} ${version.key} ${version.contentType}`));
    const refusing = s3.objects('one', 'refused', async () => {
      throw slowDown();
    });
    const losing = s3.objects('one', 'unlucky', async (operation, buckets, effect, { key }) => {
      asked.push(`${operation} ${buckets.join()} ${key}`);
      effect();
      // The SDK sends it again.
      return effect();
    });
    await expect(refusing.put({ key: 'a', ...utf8('x') })).rejects.toMatchObject({ name: 'SlowDown' });
    const late = s3.objects('one', 'late', async () => {
      throw conditionalConflict();
    });
    // Not taken: this writer is to try again.
    await expect(late.put({ key: 'a', ...utf8('x') }, { onlyIfNew: true })).rejects.toMatchObject({
      name: 'ConditionalRequestConflict',
      $metadata: { httpStatusCode: 409 },
    });
    expect(await losing.put({ key: 'b', ...utf8('x') }, { onlyIfNew: true })).toBe('exists');
    expect(told).toEqual(['unlucky one b text/plain']);
    expect(asked).toEqual(['PutObject one b']);
    expect([...s3.bucket('one').keys()]).toEqual(['b']);
    const [listed] = await collect(s3.backups('one').versions(''));
    // To the second, as S3 tells it.
    expect(listed?.storedAt).toBe('2026-01-05T14:30:00.000Z');
  });
});
