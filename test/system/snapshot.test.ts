import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, expect, it, vi } from 'vitest';
import { SqsCommandSender } from '../../lib/aws/command-queue.ts';
import { S3ObjectStore } from '../../lib/aws/object-store.ts';
import { snapshotKey } from '../../lib/events/command-names.ts';
import type { Envelope } from '../../lib/events/envelope.ts';
import { snapshotDocument } from '../../lib/events/snapshot-document.ts';
import type { Desk } from '../../sandbox/desk/desk.ts';
import { cleanFolders, quickConfig, scratchFolder, withDesk } from '../helpers/desk-runs.ts';

const account = 'DU1234567';

afterAll(cleanFolders);

function portsOf({ cloud }: Desk) {
  const { endpoint, region } = cloud;
  const client = { endpoint, region, credentials: { accessKeyId: 'operator', secretAccessKey: 'local' } };
  const env = cloud.containerEnvironment('streamer');
  const sender = new SqsCommandSender({ client: new SQSClient(client), queueUrl: env.COMMAND_QUEUE_URL! });
  const store = new S3ObjectStore({
    client: new S3Client({ ...client, forcePathStyle: true }),
    bucket: env.SNAPSHOT_BUCKET!,
  });
  return { sender, store, bucket: env.SNAPSHOT_BUCKET! };
}

function command(id: string, more: object = {}) {
  return {
    id,
    type: 'snapshot',
    version: 1,
    account,
    issuedAt: new Date().toISOString(),
    issuedBy: 'test',
    validUntil: new Date(Date.now() + 30_000).toISOString(),
    ...more,
  };
}

/** Everything that was put on the bus. */
function eventsOf(dataDir: string): Envelope[] {
  const archives = join(dataDir, 'cloud', 'archives');
  const files = readdirSync(archives, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ndjson'),
  );
  return files.flatMap((file) =>
    readFileSync(join(archives, file), 'utf8')
      .split('\n')
      .flatMap((line) => {
        // The last line may be half written.
        try {
          return [(JSON.parse(line) as { detail: Envelope }).detail];
        } catch {
          return [];
        }
      }),
  );
}

it('snapshots by command: what the broker has lies in the bucket with its SHA-256, once for each command', async () => {
  const dataDir = scratchFolder();
  const options = { speed: '1', minutes: 5, dataDir, streamerEnv: quickConfig(dataDir) };
  await withDesk(options, async (desk) => {
    const { sender, store, bucket } = portsOf(desk);
    await vi.waitFor(async () => expect((await desk.streamerStats())?.ready).toBe(true), { timeout: 60_000 });
    const gc = (await desk.streamerStats())!.marketData.lines[0]!;
    // Not ours: typed into TWS, one that trades and one that rests.
    await desk.trade({
      action: 'place',
      symbol: gc.localSymbol,
      side: 'BUY',
      quantity: '2',
      orderType: 'MKT',
    });
    const resting = await desk.trade({
      action: 'place',
      symbol: gc.localSymbol,
      side: 'BUY',
      quantity: '1',
      orderType: 'LMT',
      limitPrice: '1',
    });
    await vi.waitFor(async () => expect((await desk.broker()).executions.length).toBeGreaterThan(0), {
      timeout: 60_000,
    });

    const id = randomUUID();
    const key = snapshotKey(account, id);
    const send = (name: string, body: object | string) =>
      sender.send({
        id: name,
        group: `query#${account}`,
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
    await send(id, command(id));
    const bytes = await vi.waitFor(
      async () => {
        const found = await store.get(key);
        expect(found).toBeDefined();
        return found!;
      },
      { timeout: 60_000, interval: 100 },
    );
    const { epoch, serverVersion, parts } = snapshotDocument.parse(
      JSON.parse(new TextDecoder().decode(bytes)),
    );
    expect(epoch).toBe((await desk.streamerStats())?.epoch);
    expect(serverVersion).toBeGreaterThanOrEqual(157);
    const outcomes = Object.fromEntries(Object.entries(parts).map(([name, { outcome }]) => [name, outcome]));
    expect(outcomes).toEqual({
      positions: 'ok',
      openOrders: 'ok',
      completedOrders: 'ok',
      executions: 'ok',
      accountValues: 'ok',
    });
    expect(parts.positions.rows).toEqual([expect.objectContaining({ position: '2' })]);
    const open = parts.openOrders.rows.filter(({ kind }) => kind === 'open-order');
    expect(open.map(({ permId }) => permId)).toEqual([resting.permId]);
    const broker = await desk.broker();
    const execIds = parts.executions.rows.filter(({ kind }) => kind === 'execution').map((row) => row.execId);
    expect(execIds.sort()).toEqual(broker.executions.map(({ execId }) => execId).sort());
    expect(parts.accountValues.rows.length).toBeGreaterThan(0);

    // Reconcile asks for snapshots of its own.
    const ours = new Set<string>([id]);
    const taken = (): Envelope<'snapshot.taken'>[] =>
      eventsOf(dataDir)
        .filter((event) => event.type === 'snapshot.taken')
        .filter(({ data }) => ours.has(data.commandId));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await vi.waitFor(() => expect(taken()).toHaveLength(1), { timeout: 60_000 });
    expect(taken()[0]?.data).toEqual({
      commandId: id,
      bucket,
      key,
      sha256,
      bytes: bytes.length,
      parts: outcomes,
    });

    // The same command in another message, then three that cannot be carried out, then one more that can.
    const next = randomUUID();
    ours.add(next);
    await send(randomUUID(), command(id));
    await send(randomUUID(), command(randomUUID(), { validUntil: new Date(Date.now() - 1).toISOString() }));
    await send(randomUUID(), command(randomUUID(), { account: 'DU7654321' }));
    await send(randomUUID(), 'snapshot, please');
    await send(next, command(next));
    await vi.waitFor(() => expect(taken()).toHaveLength(3), { timeout: 60_000 });
    expect(taken().map(({ data }) => data.commandId)).toEqual([id, id, next]);
    expect(taken()[1]?.data).toEqual(taken()[0]?.data);
    expect(Buffer.from((await store.get(key))!).equals(bytes)).toBe(true);
    const alerts = eventsOf(dataDir).flatMap((event) =>
      event.type === 'alert.raised' ? [event.data.alert] : [],
    );
    expect(alerts).toEqual(['command_expired', 'command_foreign', 'command_malformed']);
    const keys: string[] = [];
    for await (const object of store.list('snapshots/')) keys.push(object.key);
    expect(keys).toEqual(expect.arrayContaining([key, snapshotKey(account, next)]));
    // The refused ones left none.
    const ofReconcile = eventsOf(dataDir).filter(
      (event) => event.type === 'snapshot.taken' && !ours.has(event.data.commandId),
    );
    expect(keys.length).toBeLessThanOrEqual(2 + ofReconcile.length);
    const queue = desk.cloud.containerEnvironment('streamer').COMMAND_QUEUE_URL!.split('/').at(-1)!;
    await vi.waitFor(async () => expect(await desk.cloud.queueDepth(queue)).toBe(0), { timeout: 60_000 });
  });
});
