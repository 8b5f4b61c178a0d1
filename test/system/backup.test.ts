/** Backups against the engine and the local cloud's S3: the adapters, and the function's own way. */
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { DeleteObjectCommand, GetObjectTaggingCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BackupAnswer, type RunOptions, run } from '../../functions/backup/run.ts';
import { digest } from '../../lib/aws/audit-hash.ts';
import { S3BackupStore } from '../../lib/aws/backup-store.ts';
import { storedKeys } from '../../lib/aws/stored-keys.ts';
import { DynamoTableScan } from '../../lib/aws/table-scan.ts';
import { verifyBackup } from '../../lib/backup/verify-backup.ts';
import { manifestKey } from '../../lib/domain/backup/backup-id.ts';
import type { ObjectVersion } from '../../lib/ports/backup-store.ts';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import { backUp, place } from '../helpers/backup-stage.ts';
import { type BookTables, createBookTables } from '../helpers/book-tables.ts';
import { STACK, temporaryFolder, writeAssembly } from '../helpers/cloud-fixture.ts';
import { bucketsTemplate, locked, versioned } from '../helpers/cloud-templates.ts';
import {
  collect,
  type DynamoEngine,
  engineIsHere,
  startDynamoEngine,
  whenNoEngine,
} from '../helpers/dynamo-engine.ts';
import { MemoryBackupStore } from '../helpers/memory-backup-store.ts';

const skipped = engineIsHere ? '' : ` (skipped: ${whenNoEngine})`;
const functionArn = 'arn:aws:lambda:eu-west-1:000000000000:function:evenkeel-sandbox-backup';

/** A role that may delete every version of the locked bucket, and may not bypass the lock. */
function withCleaner(template: ReturnType<typeof bucketsTemplate>): typeof template {
  const statement = {
    Action: ['s3:DeleteObject', 's3:DeleteObjectVersion'],
    Effect: 'Allow',
    Resource: `arn:aws:s3:::${locked}/*`,
  };
  const cleaner = {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Action: 'sts:AssumeRole',
            Effect: 'Allow',
            Principal: { Service: 'lambda.amazonaws.com' },
          },
        ],
      },
      Policies: [{ PolicyName: 'own', PolicyDocument: { Statement: [statement] } }],
    },
  };
  return { ...template, Resources: { ...template.Resources, CleanerRole: cleaner } };
}

describe.skipIf(!engineIsHere)(`backups${skipped}`, () => {
  const { folder, remove } = temporaryFolder();
  let engine: DynamoEngine;
  let tables: BookTables;
  let cloud: LocalCloud;
  let s3: S3Client;
  let store: S3BackupStore;

  beforeAll(async () => {
    engine = await startDynamoEngine();
    tables = await createBookTables(engine);
    for (const account of ['DU1', 'DU2', 'U3']) {
      for (let index = 0; index < 30; index += 1) await note(account, index);
    }
    cloud = await startCloud({
      assembly: writeAssembly(folder, withCleaner(bucketsTemplate())),
      stack: STACK,
      dataDir: `${folder}/data`,
    });
    s3 = new S3Client({
      endpoint: cloud.endpoint,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    store = new S3BackupStore({ client: s3, bucket: versioned });
  });
  afterAll(async () => {
    s3?.destroy();
    await cloud?.stop();
    await engine?.stop();
    remove();
  });

  const note = (account: string, index: number, book = tables.book) =>
    book.commit({
      account,
      writer: 'operator',
      cause: { kind: 'operator', id: 'somebody', name: 'note', reason: '' },
      atMs: Date.UTC(2026, 0, 5, 0, index),
      orderKey: '',
      writes: [
        { ref: { kind: 'order', id: `P${index}` }, expectedVersion: 0, body: { note: `"ü" ${index} \\` } },
      ],
    });

  const optionsOf = (more: Partial<RunOptions> = {}): RunOptions & { said: { type: string }[] } => {
    const scan = new DynamoTableScan({ client: engine.client, pageItems: 7 });
    const said: { type: string }[] = [];
    const silent = () => undefined;
    return {
      book: tables.book,
      scan,
      partitions: (table) => scan.partitions(table),
      store,
      tables: { book: tables.bookTable, audit: tables.auditTable, candles: 'nowhere' },
      keys: storedKeys,
      programVersion: '0.1.0',
      digest,
      nowMs: () => Date.UTC(2026, 0, 6, 3, 15),
      stage: 'sandbox',
      retention: { retentionDays: 30, keepAtLeast: 5 },
      publisher: {
        publish: async (events) => {
          said.push(...events);
          return events.map(() => ({ ok: true }));
        },
      },
      logger: { info: silent, warn: silent, error: silent },
      said,
      ...more,
    };
  };

  it('S140 no object of a backup can be deleted while it is locked, but by who may bypass the lock', async () => {
    const kept = new S3BackupStore({ client: s3, bucket: locked });
    const { manifest } = await backUp(engine, tables, kept);
    const clientOf = (accessKeyId: string): S3Client =>
      new S3Client({
        endpoint: cloud.endpoint,
        region: 'eu-west-1',
        maxAttempts: 1,
        credentials: { accessKeyId, secretAccessKey: 'local' },
      });
    const cleaner = clientOf('CleanerRole');
    const versions = (
      await Promise.all(['parts/', 'manifests/'].map((of) => collect(kept.versions(of))))
    ).flat();
    expect(versions.map(({ key }) => key)).toEqual([
      ...manifest.parts.map(({ key }) => key).sort(),
      manifestKey(manifest.number),
    ]);
    for (const { key, versionId } of versions) {
      const object = { Bucket: locked, Key: key, VersionId: versionId };
      for (const BypassGovernanceRetention of [undefined, true]) {
        await expect(
          cleaner.send(new DeleteObjectCommand({ ...object, BypassGovernanceRetention })),
        ).rejects.toMatchObject({ name: 'AccessDenied' });
      }
      // Who may bypass it has to say so.
      await expect(s3.send(new DeleteObjectCommand(object))).rejects.toMatchObject({ name: 'AccessDenied' });
    }
    expect((await verifyBackup({ store: kept, digest, place })).finding).toBeUndefined();
    const [{ key, versionId }] = versions as [ObjectVersion];
    await s3.send(
      new DeleteObjectCommand({
        Bucket: locked,
        Key: key,
        VersionId: versionId,
        BypassGovernanceRetention: true,
      }),
    );
    expect((await verifyBackup({ store: kept, digest, place })).finding).toMatchObject({
      code: 'BACKUP_PART_MISSING',
      key,
    });
    cleaner.destroy();
  });

  it('the scan finds every partition, and every item in one of its segments', async () => {
    const scan = new DynamoTableScan({ client: engine.client, pageItems: 4 });
    expect((await collect(scan.partitions(tables.bookTable))).sort()).toEqual(['A#DU1', 'A#DU2', 'A#U3']);
    const segments = await Promise.all(
      [0, 1, 2].map(async (index) =>
        (await collect(scan.segment(tables.bookTable, { index, of: 3 }))).flat(),
      ),
    );
    const keys = segments.flat().map(({ pk, sk }) => `${pk} ${sk}`);
    expect(new Set(keys).size).toBe(93);
    expect(keys).toHaveLength(93);
    const line = segments.flat().find(({ pk, sk }) => pk === 'A#DU1' && sk === 'ORDER#P5')!;
    expect(JSON.parse(line.text)).toEqual({
      Item: {
        pk: { S: 'A#DU1' },
        sk: { S: 'ORDER#P5' },
        version: { N: '1' },
        body: { M: { note: { S: '"ü" 5 \\' } } },
      },
    });
  });

  it('the scan asks again for a page that came damaged, and gives up on one that stays so', async () => {
    let damaged = 0;
    let damagedMax = 2;
    const server = createServer((asked, answer) => {
      const inner = httpRequest(
        engine.endpoint,
        { method: asked.method, path: asked.url, headers: asked.headers },
        (given) => {
          const chunks: Buffer[] = [];
          given.on('data', (chunk: Buffer) => chunks.push(chunk));
          given.on('end', () => {
            const body = Buffer.concat(chunks);
            const headers = {
              'content-type': 'application/x-amz-json-1.0',
              'x-amz-crc32': String(crc32(body)),
            };
            if (damaged < damagedMax) {
              damaged += 1;
              body[body.indexOf('note')]! ^= 1;
            }
            answer.writeHead(given.statusCode ?? 500, headers);
            answer.end(body);
          });
        },
      );
      asked.pipe(inner);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = new DynamoDBClient({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    try {
      const scan = new DynamoTableScan({ client, pageItems: 50 });
      const lines = (await collect(scan.segment(tables.bookTable, { index: 0, of: 1 }))).flat();
      expect(lines).toHaveLength(93);
      expect(damaged).toBe(2);
      damagedMax = Number.POSITIVE_INFINITY;
      await expect(collect(scan.segment(tables.bookTable, { index: 0, of: 1 }))).rejects.toMatchObject({
        code: 'SCAN_ANSWER_DAMAGED',
      });
    } finally {
      client.destroy();
      server.close();
      server.closeAllConnections();
    }
  });

  let answer: BackupAnswer;

  it('the function makes a backup in the bucket, says so, and it verifies', async () => {
    const options = optionsOf();
    answer = await run(
      { trigger: 'operator', by: 'somebody', reason: 'before a change' },
      functionArn,
      options,
    );
    expect(answer).toMatchObject({ id: 'db_backup_20260106_031500', number: 1, items: 93 + 90 });
    expect(options.said).toMatchObject([
      { type: 'backup.completed', account: '*', data: { backupId: answer.id, hash: answer.hash } },
    ]);
    const report = await verifyBackup({ store, id: answer.id, digest, place });
    expect(report.finding).toBeUndefined();
    expect(report.manifest?.accounts.map(({ chains }) => chains)).toMatchObject(
      Array.from({ length: 3 }, () => [{ writer: 'operator', from: 30, seq: 30, since: '2026-01-05' }]),
    );
  });

  it('the bucket keeps each version, takes a key only once as new, and marks what has served its time', async () => {
    const key = manifestKey(1);
    const object = { key, body: Buffer.from('forged'), contentType: 'application/json' };
    expect(await store.put(object, { onlyIfNew: true })).toBe('exists');
    await store.markExpired(key);
    const { TagSet } = await s3.send(new GetObjectTaggingCommand({ Bucket: versioned, Key: key }));
    expect(TagSet).toEqual([{ Key: 'evenkeel:expire', Value: 'true' }]);
    await store.put(object);
    expect(await collect(store.versions(key))).toHaveLength(2);
    const { finding } = await verifyBackup({ store, digest, place, number: 1 });
    expect(finding).toMatchObject({ code: 'MANIFEST_MALFORMED', key });
    expect(await store.get('manifests/none')).toBeUndefined();
  });

  it('what fails is a critical alert, and whoever asked hears of it', async () => {
    const memory = new MemoryBackupStore();
    memory.killedAt = 3;
    const options = optionsOf({ store: memory });
    await expect(run({ trigger: 'plan', by: 'run 7' }, functionArn, options)).rejects.toThrow(
      'killed at call 3',
    );
    expect(options.said).toMatchObject([
      { type: 'alert.raised', account: '*', data: { alert: 'backup_failed', severity: 'CRITICAL' } },
    ]);
    const asked = optionsOf({ store: new MemoryBackupStore() });
    await expect(run({ why: 'not' }, functionArn, asked)).rejects.toMatchObject({
      code: 'BACKUP_REQUEST_INVALID',
    });
    expect(asked.said).toMatchObject([{ type: 'alert.raised' }]);
  });

  it('a trail with a hole is backed up as it is, and told', async () => {
    const damaged = await createBookTables(engine, 'hole');
    for (let index = 0; index < 3; index += 1) await note('DU1', index, damaged.book);
    await damaged.deleteRow('A#DU1#2026-01-05', 'operator#000000000002');
    const options = optionsOf({
      store: new MemoryBackupStore(),
      book: damaged.book,
      tables: { book: damaged.bookTable, audit: damaged.auditTable },
    });
    await run({ trigger: 'schedule' }, functionArn, options);
    expect(options.said).toMatchObject([
      { type: 'backup.completed' },
      { type: 'alert.raised', data: { alert: 'audit_rows_missing', severity: 'CRITICAL' } },
    ]);
  });

  it('an account that is being restored is no whole book: there is no backup of it', async () => {
    const fenced = await createBookTables(engine, 'fenced');
    await engine.client.send(
      new PutItemCommand({
        TableName: fenced.bookTable,
        Item: {
          pk: { S: 'A#DU1' },
          sk: { S: 'AUDIT#operator' },
          version: { N: '0' },
          body: { M: { restoring: { S: 'db_backup_20260101_000000' } } },
        },
      }),
    );
    const options = optionsOf({
      store: new MemoryBackupStore(),
      book: fenced.book,
      tables: { book: fenced.bookTable, audit: fenced.auditTable },
    });
    await expect(run({ trigger: 'schedule' }, functionArn, options)).rejects.toMatchObject({
      code: 'BACKUP_RESTORE_UNDER_WAY',
    });
  });
});
