/** The book's queue on the local cloud's FIFO queue: order, groups and repeats as the queue has them. */
import { type Message, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BookEvent, BookQueue } from '../../lib/aws/book-queue.ts';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import { clientsOf } from '../helpers/cloud-clients.ts';
import { STACK, temporaryFolder, writeAssembly } from '../helpers/cloud-fixture.ts';
import { fifo, fifoTemplate } from '../helpers/cloud-templates.ts';

const { folder, remove } = temporaryFolder();
let cloud: LocalCloud;

beforeAll(async () => {
  const assembly = writeAssembly(folder, fifoTemplate());
  cloud = await startCloud({ assembly, stack: STACK, dataDir: `${folder}/data` });
});
afterAll(async () => {
  await cloud?.stop();
  remove();
});

it('events sent again are there once, in their order within their account', async () => {
  const { sqs: client } = clientsOf(cloud.endpoint, 'operator');
  const queueUrl = `${cloud.endpoint}/000000000000/${fifo.commands}`;
  const queue = new BookQueue({ client, queueUrl });
  const events = Array.from({ length: 8 }, (_, seq): BookEvent => {
    return { id: `main:3:${seq}`, type: 'order.changed', account: seq % 2 === 0 ? 'DU1' : 'DU2' };
  });
  const ok = (count: number) => Array.from({ length: count }, () => ({ ok: true }));
  expect(await queue.publish(events.slice(0, 5))).toEqual(ok(5));
  // As after an answer that was lost: the whole batch again, and what came meanwhile.
  expect(await queue.publish(events)).toEqual(ok(8));
  expect(await cloud.queueDepth(fifo.commands)).toBe(8);
  const { Messages: messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: 10,
      MessageSystemAttributeNames: ['MessageGroupId'],
    }),
  );
  const of = (account: string) => (each: Message) => each.Attributes?.MessageGroupId === account;
  for (const account of ['DU1', 'DU2']) {
    const got = messages.filter(of(account)).map(({ Body }) => (JSON.parse(Body!) as BookEvent).id);
    const sent = events.filter((event) => event.account === account).map(({ id }) => id);
    expect(got.length).toBeGreaterThan(0);
    expect(got).toEqual(sent.slice(0, got.length));
  }
});
