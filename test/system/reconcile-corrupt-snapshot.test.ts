import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { S3ObjectStore } from '../../lib/aws/object-store.ts';
import type { Command } from '../../lib/events/command.ts';
import { snapshotKey } from '../../lib/events/command-names.ts';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import { stateText } from '../helpers/book-tables.ts';
import { STACK, temporaryFolder, writeAssembly } from '../helpers/cloud-fixture.ts';
import { bucketsTemplate, versioned } from '../helpers/cloud-templates.ts';
import { type DynamoEngine, engineIsHere, startDynamoEngine } from '../helpers/dynamo-engine.ts';
import { ReconcileDesk, stage } from '../helpers/reconcile-desk.ts';
import { account } from '../helpers/reconcile-world.ts';

/** Snapshots in the sandbox's S3, whose files are then changed behind its back. */
describe.skipIf(!engineIsHere)('a snapshot whose bytes are not those that were stored', () => {
  const { folder, remove } = temporaryFolder();
  const objects = path.join(folder, 'data/s3/objects');
  let engine: DynamoEngine;
  let cloud: LocalCloud;
  let s3: S3Client;

  beforeAll(async () => {
    engine = await startDynamoEngine();
    const assembly = writeAssembly(folder, bucketsTemplate());
    cloud = await startCloud({ assembly, stack: STACK, dataDir: path.join(folder, 'data') });
    s3 = new S3Client({
      endpoint: cloud.endpoint,
      region: 'eu-west-1',
      forcePathStyle: true,
      credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
    });
  });
  afterAll(async () => {
    s3.destroy();
    await cloud.stop();
    await engine.stop();
    remove();
  });

  it('is STALE_DATA and no verdict: the checksum says so, though it can be read', async () => {
    const desk = await ReconcileDesk.open(engine, 'corrupt');
    const snapshots = new S3ObjectStore({ client: s3, bucket: versioned });
    let damage = (text: string): string => text;
    desk.answer = async (command: Command) => {
      const key = snapshotKey(account, command.id);
      const before = new Set(readdirSync(objects));
      const body = new TextEncoder().encode(desk.document(command));
      await snapshots.put({ key, body, contentType: 'application/json' });
      const file = path.join(objects, readdirSync(objects).find((name) => !before.has(name)) ?? '');
      writeFileSync(file, damage(readFileSync(file, 'utf8')));
      return undefined;
    };
    desk.world.both(17);
    await desk.book();
    await desk.flags(stage);
    expect(await desk.run({}, { snapshots })).toMatchObject({ status: 'COMPLETED', lock: { state: 'open' } });
    const ownItems = ['run', 'lock', 'flags', 'plan'];
    const bookText = async () =>
      (await stateText(desk.tables.book, account))
        .split('\n')
        .filter((line) => !ownItems.includes(JSON.parse(line).ref.kind));
    const before = await bookText();
    const memory = (await desk.state()).memory;

    // One digit: a snapshot that is whole in every other respect, and would be a plan of its own.
    damage = (text) => text.replace('"quantity":"5"', '"quantity":"6"');
    for (const mode of ['warn', 'strict'] as const) {
      const refused = await desk.run({ mode }, { snapshots });
      expect(refused).toMatchObject({
        status: 'REFUSED',
        code: 'STALE_DATA',
        by_type: { STALE_DATA: 1 },
        actions: 0,
        plan_hash: '',
        // As it was, except where the mode locks on HIGH.
        lock: { state: mode === 'strict' ? 'locked' : 'open' },
      });
      expect(refused.reason).toMatch(/is corrupted: .*checksum/i);
    }
    expect(await bookText()).toEqual(before);
    expect((await desk.safety.flags(account)).flags.SAFE_MODE).toBe(false);
    expect((await desk.state()).last).toMatchObject({ status: 'REFUSED', code: 'STALE_DATA' });
    expect(memory).not.toBeNull();
    expect(desk.said('plan.staged')).toEqual([]);
    expect(desk.alerts()).toEqual([]);

    damage = (text) => text;
    expect(await desk.run({}, { snapshots })).toMatchObject({ status: 'COMPLETED', lock: { state: 'open' } });
  });
});
