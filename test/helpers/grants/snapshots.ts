/** The streamer's answer to a snapshot command, by somebody who stands in for it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { canonicalJson } from '../../../lib/aws/audit-hash.ts';
import type { Json } from '../../../lib/domain/book/item.ts';
import type { PositionFact } from '../../../lib/domain/orders/broker-facts.ts';
import { snapshotKey } from '../../../lib/events/command-names.ts';
import { snapshotDocument } from '../../../lib/events/snapshot-document.ts';
import type { AccessDecision } from '../../../sandbox/cloud/iam.ts';
import { waitMs } from './watched-cloud.ts';
import { account, type GrantWorld, prefix, stage } from './world.ts';

export async function putSnapshot(
  world: GrantWorld,
  commandId: string,
  positions: readonly PositionFact[] = [],
): Promise<void> {
  const at = new Date().toISOString();
  const cash = { kind: 'account-value', account, key: 'TotalCashBalance', value: '1', currency: 'USD' };
  const document = snapshotDocument.parse({
    kind: 'evenkeel.snapshot',
    version: 1,
    commandId,
    stage,
    streamer: 'main',
    account,
    epoch: 1,
    serverVersion: 193,
    startedAt: at,
    completedAt: at,
    brokerTimeMs: Date.now(),
    parts: {
      positions: { outcome: 'ok', rows: positions },
      openOrders: { outcome: 'ok', rows: [] },
      completedOrders: { outcome: 'ok', rows: [] },
      executions: { outcome: 'ok', rows: [] },
      accountValues: { outcome: 'ok', rows: [cash] },
    },
  });
  await world.bucket('snapshots').put({
    key: snapshotKey(account, commandId),
    body: new TextEncoder().encode(canonicalJson(document as unknown as Json)),
    contentType: 'application/json',
  });
}

/** Answers the next snapshot command that lies in the streamer's queue, until `over` is aborted. */
export async function answerSnapshots(
  world: GrantWorld,
  positions: readonly PositionFact[],
  over: AbortSignal,
): Promise<void> {
  const QueueUrl = `${world.cloud.endpoint}/000000000000/${prefix}-orders-main.fifo`;
  while (!over.aborted) {
    const { Messages = [] } = await world.clients.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1, MaxNumberOfMessages: 10 }),
      { abortSignal: over },
    );
    for (const { Body = '', ReceiptHandle } of Messages) {
      const command = JSON.parse(Body) as { readonly id: string; readonly type: string };
      if (command.type === 'snapshot') {
        await untilLooked(world, command.id);
        await putSnapshot(world, command.id, positions);
      }
      await world.clients.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
  }
}

/**
 * Waits until who has asked has looked once and found nothing, for which it needs a grant: on a busy machine the answer could
 * be there first. A refusal is as good.
 */
async function untilLooked(world: GrantWorld, commandId: string): Promise<void> {
  const [bucket, key] = [`${prefix}-snapshots-`, snapshotKey(account, commandId)];
  const isLook = ({ access: { action, resource }, allowed }: AccessDecision) =>
    resource.includes(bucket) && (action === 's3:ListBucket' || (!allowed && resource.endsWith(key)));
  for (const deadline = Date.now() + waitMs; Date.now() < deadline; await sleep(10))
    if ([...world.decisions.values()].some(isLook)) return;
}
