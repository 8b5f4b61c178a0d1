import { randomUUID } from 'node:crypto';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { alertsKey } from '../../../../lib/aws/keys.ts';
import { streamerSource } from '../../../../lib/events/sources.ts';
import { readExample } from '../../render-event-docs.ts';
import { type Exercise, fresh } from '../exercise.ts';
import { type GrantWorld, prefix } from '../world.ts';

const queue = `${prefix}-alerts`;
const deadLetters = `${prefix}-alerts-dlq`;

/** Tells the topic of one alert, puts aside another that no channel has taken for a day, and fails for good once. */
export const alerts: Exercise = {
  role: 'alerts',
  async run(world) {
    await world.clear('control');
    await raise(world);
    await world.until('an empty queue', async () => (await world.cloud.queueDepth(queue)) === 0);
    await world.invoke('alerts', { action: 'tick' });
    const role = world.grants.find(({ role: name }) => name === 'alerts')!.roleId;
    world.cloud.faults.add({ service: 'sns', kind: 'internal', caller: role });
    try {
      const before = await world.cloud.queueDepth(deadLetters);
      await raise(world);
      await world.until('an alert that the topic does not take', async () => ageSending(world));
      await world.invoke('alerts', { action: 'tick' });
      await world.until('the dead letter', async () => (await world.cloud.queueDepth(deadLetters)) > before);
    } finally {
      world.cloud.faults.clear();
    }
    await world.failForGood('alerts', { action: 'none' });
  },
};

interface Sending {
  readonly problem: string;
}

async function raise(world: GrantWorld): Promise<void> {
  const example = readExample('alert.raised') as { readonly data: object };
  const seq = fresh();
  const data = { ...example.data, subject: `order P${seq}` };
  const detail = { ...example, id: `main:7:${seq}`, seq, data };
  await world.clients.sqs.send(
    new SendMessageCommand({
      QueueUrl: `${world.cloud.endpoint}/000000000000/${queue}`,
      MessageBody: JSON.stringify({ source: streamerSource, id: randomUUID(), detail }),
    }),
  );
}

/** Makes the message that has just failed one that has been tried for longer than a day, due now. */
async function ageSending(world: GrantWorld): Promise<boolean> {
  const { pk, sk } = alertsKey;
  const { Item } = await world.clients.dynamodb.send(
    new GetItemCommand({
      TableName: `${prefix}-control`,
      Key: { pk: { S: pk }, sk: { S: sk } },
      ConsistentRead: true,
    }),
  );
  const memory = JSON.parse(Item?.memory?.S ?? '{}') as {
    readonly channels?: Readonly<Record<string, { readonly sending: Sending | null }>>;
  };
  const sendings = Object.values(memory.channels ?? {}).flatMap(({ sending }) => sending ?? []);
  if (Item === undefined || sendings.length === 0 || sendings.some(({ problem }) => problem === ''))
    return false;
  for (const sending of sendings) Object.assign(sending, { sinceMs: 0, dueMs: 0 });
  await world.put('control', { ...Item, memory: { S: JSON.stringify(memory) } });
  return true;
}
