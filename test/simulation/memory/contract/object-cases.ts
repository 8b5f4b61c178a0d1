/** What the ports of objects and backups promise: asked of the store in memory, and of S3 through lib/aws. */
import type { BackupStore } from '../../../../lib/ports/backup-store.ts';
import type { ObjectStore, StoredObject } from '../../../../lib/ports/object-store.ts';
import { collect } from '../../../helpers/dynamo-engine.ts';

/** A versioned bucket, behind each of the ports. */
export interface Stores {
  readonly objects: ObjectStore;
  readonly backups: BackupStore;
  /** The same, with pages of two. */
  readonly paged: BackupStore;
  /** Of a bucket that is not there. */
  readonly nowhere: BackupStore;
  /** As somebody else would delete: a mark over the versions. */
  readonly remove: (key: string) => Promise<void>;
}

export interface ObjectCase {
  readonly name: string;
  readonly run: (stores: Stores) => Promise<unknown>;
  readonly gives: unknown;
  /** What moto answers otherwise than S3. */
  readonly motoGives?: unknown;
}

const object = (key: string, text: string): StoredObject => ({
  key,
  body: Buffer.from(text),
  contentType: 'application/json',
});
const textOf = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();
const nameOf = (error: { readonly name: string }) => error.name;
const onlyIfNew = { onlyIfNew: true } as const;

export const objectCases: readonly ObjectCase[] = [
  {
    name: 'objects come back to the byte, an empty one too, and one whose key has everything in it',
    async run({ objects, backups }) {
      const body = Uint8Array.from({ length: 70_000 }, (_none, n) => n % 251);
      await backups.put({ key: 'parts/one', body, contentType: 'application/zstd' });
      await backups.put(object('empty', ''));
      await objects.put(object('a b+c/ü–§/x=1&y.json', 'odd'));
      const same = async (store: ObjectStore) => Buffer.from((await store.get('parts/one'))!).equals(body);
      return [
        await same(objects),
        await same(backups),
        textOf(await objects.get('empty')),
        textOf(await backups.get('a b+c/ü–§/x=1&y.json')),
        (await collect(backups.list('a b+c/'))).map(({ key, bytes }) => [key, bytes]),
      ];
    },
    gives: [true, true, '', 'odd', [['a b+c/ü–§/x=1&y.json', 3]]],
  },
  {
    name: 'what was given and what was got are the caller’s: changed afterwards, they change nothing',
    async run({ objects }) {
      const mine = object('mine', 'one');
      await objects.put(mine);
      mine.body[0] = 0;
      const got = await objects.get('mine');
      got![0] = 0;
      return textOf(await objects.get('mine'));
    },
    gives: 'one',
  },
  {
    name: 'what is not there is undefined, a bucket that is not there is an error',
    run: async ({ objects, backups, nowhere }) => [
      await objects.get('absent'),
      await backups.get('absent'),
      await collect(backups.list('absent/')),
      await collect(backups.versions('absent/')),
      await backups.markExpired('absent').catch(nameOf),
      await nowhere.get('x').catch(nameOf),
      await nowhere.put(object('x', 'x')).catch(nameOf),
      await collect(nowhere.list('x')).catch(nameOf),
      await collect(nowhere.versions('x')).catch(nameOf),
    ],
    gives: [undefined, undefined, [], [], 'NoSuchKey', ...Array.from({ length: 4 }, () => 'NoSuchBucket')],
  },
  {
    name: 'a key that is taken stays as it is when it was to be new, and gets a version when not',
    async run({ objects, backups }) {
      const results = [
        await objects.put(object('new', 'one'), onlyIfNew),
        await objects.put(object('new', 'two'), onlyIfNew),
        await backups.put(object('new', 'three'), onlyIfNew),
        textOf(await objects.get('new')),
        await backups.put(object('new', 'four')),
        textOf(await objects.get('new')),
      ];
      return [...results, (await collect(backups.versions('new'))).map(({ bytes }) => bytes)];
    },
    gives: ['stored', 'exists', 'exists', 'one', 'stored', 'four', [4, 3]],
  },
  {
    name: 'one that was deleted is not there and not listed, its versions are, and its key may be new again',
    async run({ backups, remove }) {
      await backups.put(object('hidden', 'x'));
      await remove('hidden');
      return [
        await backups.get('hidden'),
        await collect(backups.list('hidden')),
        (await collect(backups.versions('hidden'))).length,
        await backups.put(object('hidden', 'y'), onlyIfNew),
        textOf(await backups.get('hidden')),
      ];
    },
    gives: [undefined, [], 1, 'stored', 'y'],
  },
  {
    name: 'keys are listed by their prefix, in the order of their bytes, over all pages',
    async run({ backups, paged }) {
      for (const key of ['l/b', 'l/a', 'l/c/1', 'l/B', 'lx', 'l/\u{1f600}', 'l/\uff5e', 'l/ä', 'l/c/2'])
        await backups.put(object(key, key));
      const found = await collect(paged.list('l/'));
      const times = found.map(({ storedAt = '' }) => Number.isNaN(Date.parse(storedAt)));
      return [found.map(({ key }) => key), times.includes(true)];
    },
    gives: [['l/B', 'l/a', 'l/b', 'l/c/1', 'l/c/2', 'l/ä', 'l/\uff5e', 'l/\u{1f600}'], false],
  },
  {
    name: 'every version is listed, the newest of a key first, without the deletion marks, over all pages',
    async run({ backups, paged, remove }) {
      for (const body of ['1', '22', '333']) await backups.put(object('v/a', body));
      await remove('v/a');
      for (const body of ['4444', '55555']) await backups.put(object('v/b', body));
      await backups.put(object('w', 'x'));
      const found = await collect(paged.versions('v/'));
      return [
        found.map(({ key, bytes }) => [key, bytes]),
        new Set(found.map(({ versionId }) => versionId)).size,
        found.some(({ storedAt }) => Number.isNaN(Date.parse(storedAt))),
      ];
    },
    gives: [
      [
        ['v/a', 3],
        ['v/a', 2],
        ['v/a', 1],
        ['v/b', 5],
        ['v/b', 4],
      ],
      5,
      false,
    ],
  },
  {
    name: 'what is marked as expired is there all the same, and may be marked again',
    async run({ backups }) {
      await backups.put(object('past/old', 'part'));
      await backups.markExpired('past/old');
      await backups.markExpired('past/old');
      return [textOf(await backups.get('past/old')), (await collect(backups.versions('past/old'))).length];
    },
    gives: ['part', 1],
  },
  {
    name: 'a key has at most 1,024 bytes',
    run: async ({ objects }) => [
      await objects.put(object('k'.repeat(1_024), '')),
      await objects.put(object('k'.repeat(1_025), '')).catch(nameOf),
    ],
    gives: ['stored', 'KeyTooLongError'],
    motoGives: ['stored', 'stored'],
  },
];
