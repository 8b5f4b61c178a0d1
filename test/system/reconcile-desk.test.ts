import { randomBytes, randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, expect, it, vi } from 'vitest';
import { canonicalJson } from '../../lib/aws/audit-hash.ts';
import { AuditTable } from '../../lib/aws/audit-table.ts';
import { BookTable } from '../../lib/aws/book-table.ts';
import { SqsCommandSender } from '../../lib/aws/command-queue.ts';
import { S3ObjectStore } from '../../lib/aws/object-store.ts';
import { RunLockTable } from '../../lib/aws/run-lock-table.ts';
import { SafetyStore } from '../../lib/aws/safety-store.ts';
import type { Json } from '../../lib/domain/book/item.ts';
import { isOpenFor } from '../../lib/domain/safety/lock.ts';
import type { OutgoingEvent } from '../../lib/ports/event-publisher.ts';
import { loadPlan } from '../../lib/reconcile/plan-store.ts';
import { rejudge } from '../../lib/reconcile/rejudge.ts';
import { parseSetting, reconcileSettings } from '../../lib/reconcile/rules.ts';
import { type RunOptions, runReconcile } from '../../lib/reconcile/run.ts';
import type { Desk } from '../../sandbox/desk/desk.ts';
import { cleanFolders, quickConfig, scratchFolder, withDesk } from '../helpers/desk-runs.ts';
import { collect } from '../helpers/dynamo-engine.ts';
import { execute, stage } from '../helpers/reconcile-desk.ts';

const account = 'DU1234567';

afterAll(cleanFolders);

/** A run over the desk's own tables, queue and buckets, beside the function that is deployed there. */
function runsOf({ cloud }: Desk) {
  const client = {
    endpoint: cloud.endpoint,
    region: cloud.region,
    credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
  };
  const env = cloud.containerEnvironment('streamer');
  const dynamo = new DynamoDBClient(client);
  const names = { bookTable: 'evenkeel-sandbox-book', auditTable: 'evenkeel-sandbox-audit' };
  const book = new BookTable({ client: dynamo, ...names });
  const sqs = new SQSClient(client);
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  const snapshotBucket = env.SNAPSHOT_BUCKET!;
  const store = new S3ObjectStore({
    client: s3,
    bucket: snapshotBucket.replace('-snapshots-', '-reconcile-'),
  });
  const events: OutgoingEvent[] = [];
  const options = (settings: Record<string, Json> = {}): RunOptions => ({
    stage: 'sandbox',
    settings: parseSetting(
      'RECONCILE_RULES',
      JSON.stringify({ quietMs: 200, ...settings }),
      reconcileSettings,
    ),
    streamers: [
      {
        account,
        streamer: 'main',
        commandQueueUrl: env.COMMAND_QUEUE_URL!,
        timeZone: 'America/New_York',
        clientId: 1,
      },
    ],
    book,
    runLocks: new RunLockTable({ client: dynamo, tableName: 'evenkeel-sandbox-control' }),
    sender: ({ commandQueueUrl: queueUrl }) => new SqsCommandSender({ client: sqs, queueUrl }),
    snapshots: new S3ObjectStore({ client: s3, bucket: snapshotBucket }),
    store,
    publisher: {
      publish: async (batch) => {
        events.push(...batch);
        return batch.map(() => ({ ok: true }) as const);
      },
    },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    canonicalJson,
    nowMs: Date.now,
    sleep: (ms) => new Promise((done) => setTimeout(done, Math.min(ms, 50))),
    randomHex: () => randomBytes(3).toString('hex'),
    newId: randomUUID,
    programVersion: 'test',
  });
  return {
    book,
    store,
    events,
    safety: new SafetyStore({ book }),
    audit: new AuditTable({ client: dynamo, auditTable: names.auditTable, book }),
    /** The streamer's start asks for a run as well: this one waits for its turn. */
    run: async (settings?: Record<string, Json>) =>
      vi.waitFor(
        async () => {
          const answer = await runReconcile({ trigger: 'operator', by: 'anna' }, options(settings));
          expect(answer.code).not.toBe('BUSY');
          return answer;
        },
        { timeout: 60_000, interval: 200 },
      ),
  };
}

it('reconciles with the real streamer: trading opens for its epoch, a lost order is staged, silence is no verdict', async () => {
  const dataDir = scratchFolder();
  const options = { speed: '1', minutes: 5, dataDir, streamerEnv: quickConfig(dataDir) };
  await withDesk(options, async (desk) => {
    const { run, safety, book, store, audit } = runsOf(desk);
    await vi.waitFor(async () => expect((await desk.streamerStats())?.ready).toBe(true), { timeout: 60_000 });
    const { localSymbol: symbol } = (await desk.streamerStats())!.marketData.lines[0]!;
    const place = (side: 'BUY' | 'SELL', quantity: string, more: object) =>
      desk.trade({ action: 'place', symbol, side, quantity, ...more } as never);
    await place('BUY', '2', { orderType: 'MKT' });
    const resting = await place('BUY', '1', { orderType: 'LMT', limitPrice: '1' });
    const kinds = async () => (await collect(book.all(account))).map(({ ref }) => ref.kind);
    await vi.waitFor(
      async () => expect(await kinds()).toEqual(expect.arrayContaining(['fill', 'position', 'cash'])),
      {
        timeout: 60_000,
      },
    );

    // Nobody has set a flag yet: nothing may change.
    expect(await run()).toMatchObject({ status: 'DRY_RUN', lock: { state: 'locked' } });

    // A position without a stop, typed into TWS and so none of ours: strict keeps trading locked for it.
    await safety.setFlags(account, stage, { who: 'anna', reason: 'test' });
    const naked = await vi.waitFor(
      async () => {
        const answer = await run({ mode: 'strict' });
        expect(answer.by_type).toEqual({ UNPROTECTED_POSITION: 1 });
        return answer;
      },
      { timeout: 60_000, interval: 300 },
    );
    expect(naked).toMatchObject({
      status: 'COMPLETED',
      lock: { state: 'locked' },
      by_severity: { HIGH: 1 },
      summary: 'IB: 2, Book: 2, Discrepancies: 1 (0 critical)',
    });

    // With its stop it is open, for the streamer's term of the lease and for no other.
    await place('SELL', '2', { orderType: 'STP', stopPrice: '1' });
    const open = await vi.waitFor(
      async () => {
        const answer = await run({ mode: 'strict' });
        expect(answer).toMatchObject({ status: 'COMPLETED', discrepancy_count: 0, lock: { state: 'open' } });
        return answer;
      },
      { timeout: 60_000, interval: 300 },
    );
    const { epoch } = (await desk.streamerStats())!;
    const lock = await safety.lock(account);
    expect(lock).toMatchObject({ runId: open.run_id, token: epoch });
    expect([isOpenFor(lock, epoch), isOpenFor(lock, epoch + 1)]).toEqual([true, false]);

    // The book loses an order.
    await safety.setFlags(account, execute, { who: 'anna', reason: 'test' });
    const lost = (await collect(book.list(account, 'order'))).find(
      ({ body }) => body.permId === resting.permId,
    )!;
    const cause = { kind: 'operator', id: 'anna', name: 'damage', reason: 'test' } as const;
    const writes = [{ ref: lost.ref, expectedVersion: lost.version, body: null }];
    await book.commit({ account, writer: 'operator', cause, atMs: Date.now(), orderKey: '', writes });
    const staged = await run();
    expect(staged).toMatchObject({
      status: 'AWAITING_DRY_RUN_CONFIRM',
      actions: 1,
      lock: { state: 'locked' },
    });
    const [item] = await book.read(account, [{ kind: 'plan', id: staged.plan_hash }]);
    const plan = await loadPlan(store, item!.body as never);
    expect(plan.actions[0]).toMatchObject({ kind: 'to_insert', orderKey: lost.ref.id });
    expect(await rejudge(account, staged.run_id, { audit, store, canonicalJson })).toMatchObject({
      same: true,
    });

    // A broker that does not answer is not an empty broker.
    await desk.endStreamer('SIGTERM');
    const silent = await run({ snapshotTimeoutMs: 800 });
    expect(silent).toMatchObject({
      status: 'REFUSED',
      code: 'STALE_DATA',
      by_type: { STALE_DATA: 1 },
      actions: 0,
    });
    expect(silent).toMatchObject({ plan_hash: staged.plan_hash, lock: { state: 'locked' } });
  });
}, 60_000);
