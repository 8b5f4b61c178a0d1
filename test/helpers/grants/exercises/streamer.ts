import { randomUUID } from 'node:crypto';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SqsCommandSender } from '../../../../lib/aws/command-queue.ts';
import { snapshotKey } from '../../../../lib/events/command-names.ts';
import { synth } from '../../../../sandbox/cloud/synth.ts';
import type { Desk } from '../../../../sandbox/desk/desk.ts';
import { temporaryFolder } from '../../cloud-fixture.ts';
import { OrdersOut } from '../../orders-out.ts';
import type { Exercise } from '../exercise.ts';
import { grantsOf } from '../grants.ts';
import { account, prefix, stage, WatchedCloud } from '../watched-cloud.ts';

/** The desk's cloud, with its streamer ended: each exercise starts one. */
export class StreamerWorld extends WatchedCloud {
  readonly desk: Desk;

  private constructor(desk: Desk, parts: ConstructorParameters<typeof WatchedCloud>[0]) {
    super(parts);
    this.desk = desk;
  }

  /** What the streamer's events lead to goes on beside it: runs of reconcile, which are no matter here. */
  override async quiet(): Promise<void> {}

  static async of(desk: Desk): Promise<StreamerWorld> {
    await desk.endStreamer('SIGTERM');
    const { assembly, stack } = await synth({ stage, progress: () => undefined });
    const grants = await grantsOf(assembly, stack);
    return new StreamerWorld(desk, { cloud: desk.cloud, grants, assembly, ...temporaryFolder() });
  }
}

/**
 * A term of the streamer: it takes the lease, tells events, carries out an order and a snapshot, answers the same
 * snapshot again, and gives back a command that it cannot carry out.
 */
export const streamerTask: Exercise<StreamerWorld> = {
  role: 'streamer-main (task)',
  async run(world) {
    const { desk } = world;
    await desk.startStreamer();
    let line: { readonly conId: number; readonly last: number } | undefined;
    await world.until('a live feed', async () => {
      const stats = await desk.streamerStats();
      const first = stats?.marketData.lines[0];
      if (!stats?.orders.synced || first?.feed !== 'live' || first.lastPrice === null) return false;
      line = { conId: first.conId, last: Number(first.lastPrice) };
      return true;
    });
    await sendOrder(world, line!);
    await snapshots(world);
  },
  async end({ desk }) {
    await desk.endStreamer('SIGTERM');
  },
};

/** A run of reconcile, which begins with each term, may lock what was just opened. */
async function sendOrder(
  world: StreamerWorld,
  { conId, last }: { readonly conId: number; readonly last: number },
): Promise<void> {
  const orders = new OrdersOut(world.desk);
  const limitPrice = (last * 0.98).toFixed(1);
  const order = { action: 'BUY', quantity: '1', orderType: 'LMT', limitPrice } as const;
  let key = '';
  await world.until('an order that leaves', async () => {
    const state = key === '' ? 'denied' : (await orders.intent(key))?.state;
    if (state === 'denied') {
      await orders.open();
      key = randomUUID();
      await orders.send({ type: 'place', key, conId, order });
    }
    return state === 'sent';
  });
}

async function snapshots(world: StreamerWorld): Promise<void> {
  const { cloud } = world;
  const sender = new SqsCommandSender({
    client: new SQSClient({
      endpoint: cloud.endpoint,
      region: cloud.region,
      credentials: { accessKeyId: 'operator', secretAccessKey: 'local' },
    }),
    queueUrl: `${cloud.endpoint}/000000000000/${prefix}-orders-main.fifo`,
  });
  const done = async () => (await cloud.queueDepth(`${prefix}-orders-main.fifo`)) === 0;
  const send = (id: string, validMs: number, as: string) =>
    sender.send({ id: as, group: `query#${account}`, body: JSON.stringify(snapshot(id, validMs)) });
  const id = randomUUID();
  for (const as of [id, `${id}-again`]) {
    await send(id, 30_000, as);
    await world.until(`the snapshot ${snapshotKey(account, id)}`, done);
  }
  // It does not get its snapshot into the bucket while the command is valid.
  const caller = world.grants.find(({ role }) => role === streamerTask.role)!.roleId;
  cloud.faults.add({ service: 's3', operation: 'PutObject', kind: 'internal', caller });
  try {
    const late = randomUUID();
    await send(late, 2_000, late);
    await world.until('the command given back', done);
  } finally {
    cloud.faults.clear();
  }
}

function snapshot(id: string, validMs: number): object {
  const nowMs = Date.now();
  const issuedAt = new Date(nowMs).toISOString();
  const validUntil = new Date(nowMs + validMs).toISOString();
  return { id, type: 'snapshot', version: 1, account, issuedAt, issuedBy: 'test', validUntil };
}
