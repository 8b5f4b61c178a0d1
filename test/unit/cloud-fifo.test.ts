import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FifoSqs } from '../../sandbox/cloud/fifo-sqs.ts';
import type { QueueModel } from '../../sandbox/cloud/model.ts';
import { temporaryFolder } from '../helpers/cloud-fixture.ts';

/** FIFO queues by themselves, with a clock that the test moves. */
const place = 'arn:aws:sqs:eu-west-1:000000000000';
const queue = (name: string, attributes: Record<string, string> = {}): QueueModel => ({
  logicalId: name,
  name: `${name}.fifo`,
  arn: `${place}:${name}.fifo`,
  attributes: { FifoQueue: 'true', ...attributes },
});
const queues = [
  queue('dead'),
  queue('book', {
    VisibilityTimeout: '30',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: `${place}:dead.fifo`, maxReceiveCount: 2 }),
  }),
  queue('content', { ContentBasedDeduplication: 'true' }),
  queue('groups', { DeduplicationScope: 'messageGroup' }),
  queue('late', { DelaySeconds: '5' }),
];

type Message = {
  Body: string;
  MessageId: string;
  ReceiptHandle: string;
  Attributes: Record<string, string>;
};

let folder: string;
let remove: () => void;
let nowMs: number;
let sqs: FifoSqs;

beforeEach(() => {
  ({ folder, remove } = temporaryFolder());
  nowMs = 1_700_000_000_000;
  sqs = new FifoSqs(queues, folder, () => nowMs);
});
afterEach(() => {
  sqs.stop();
  sqs.close();
  remove();
});

const call = async (operation: string, name: string, input: Record<string, unknown> = {}): Promise<unknown> =>
  sqs.operate(operation, { QueueUrl: `http://x/0/${name}.fifo`, ...input }, (q) => q);
const send = async (
  name: string,
  body: string,
  group = 'g',
  id: string | undefined = body,
): Promise<{ MessageId: string; SequenceNumber: string }> =>
  (await call('SendMessage', name, {
    MessageBody: body,
    MessageGroupId: group,
    ...(id === undefined ? {} : { MessageDeduplicationId: id }),
  })) as { MessageId: string; SequenceNumber: string };
const receive = async (name: string, max = 10): Promise<Message[]> => {
  const answer = await call('ReceiveMessage', name, { MaxNumberOfMessages: max, AttributeNames: ['All'] });
  return (answer as { Messages?: Message[] }).Messages ?? [];
};
const bodies = async (name: string, max = 10): Promise<string[]> =>
  (await receive(name, max)).map(({ Body: body }) => body);
const discard = async (name: string, message: Message | undefined): Promise<void> => {
  await call('DeleteMessage', name, { ReceiptHandle: message?.ReceiptHandle });
};

describe('order', () => {
  it('messages of a group come in order, ten at once, and no more until those are done', async () => {
    for (let n = 1; n <= 12; n += 1) await send('book', String(n));
    const first = await receive('book');
    expect(first.map((m) => m.Body)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10']);
    expect(await bodies('book')).toEqual([]);
    for (const message of first) await discard('book', message);
    expect(await bodies('book')).toEqual(['11', '12']);
  });

  it('another group does not wait', async () => {
    await send('book', 'a1', 'a');
    await send('book', 'b1', 'b');
    await send('book', 'a2', 'a');
    expect(await bodies('book', 1)).toEqual(['a1']);
    expect(await bodies('book')).toEqual(['b1']);
    expect(await bodies('book')).toEqual([]);
  });

  it('what failed comes again in its old order, before what followed', async () => {
    for (const body of ['1', '2', '3', '4']) await send('book', body);
    const [first, second, third] = await receive('book', 3);
    await discard('book', first);
    // Given back in the wrong order, the third after a while, the second at once.
    const giveBack = async (message: Message | undefined, seconds: number): Promise<void> => {
      await call('ChangeMessageVisibility', 'book', {
        ReceiptHandle: message?.ReceiptHandle,
        VisibilityTimeout: seconds,
      });
    };
    await giveBack(third, 2);
    await giveBack(second, 0);
    // The group is held by the third.
    expect(await bodies('book')).toEqual([]);
    nowMs += 2_000;
    expect(await bodies('book')).toEqual(['2', '3', '4']);
  });

  it('what nobody deletes comes again after its visibility time-out, and old receipts are void', async () => {
    await send('book', '1');
    const [first] = await receive('book');
    nowMs += 30_000;
    const [again] = await receive('book');
    expect(again).toMatchObject({ Body: '1', Attributes: { ApproximateReceiveCount: '2' } });
    await discard('book', first);
    expect(await call('GetQueueAttributes', 'book', { AttributeNames: ['All'] })).toMatchObject({
      Attributes: { ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '1' },
    });
    await discard('book', again);
    expect(await call('GetQueueAttributes', 'book', { AttributeNames: ['All'] })).toMatchObject({
      Attributes: { ApproximateNumberOfMessagesNotVisible: '0' },
    });
  });

  it('a delay of the queue holds for each message', async () => {
    await send('late', '1');
    expect(await bodies('late')).toEqual([]);
    nowMs += 5_000;
    expect(await bodies('late')).toEqual(['1']);
  });

  it('property: with failures and restarts anywhere, each group is handled in order and completely', async () => {
    const schedule = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 10 })), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(schedule, async (steps) => {
        await call('PurgeQueue', 'groups');
        nowMs += 600_000;
        const sent = 15;
        for (let n = 0; n < sent; n += 1) await send('groups', `${n}`, `g${n % 3}`);
        const done: string[] = [];
        const handle = async (failAt: number, max: number): Promise<void> => {
          const failed = new Set<string>();
          for (const [at, message] of (await receive('groups', max)).entries()) {
            const group = message.Attributes.MessageGroupId ?? '';
            if (at === failAt) failed.add(group);
            // As a handler does that keeps the order: what follows a failure fails too.
            if (failed.has(group)) continue;
            done.push(message.Body);
            await discard('groups', message);
          }
          nowMs += 30_000;
        };
        for (const [failAt, max] of steps) {
          if (failAt === 4) {
            sqs.close();
            sqs = new FifoSqs(queues, folder, () => nowMs);
          }
          await handle(failAt, max);
        }
        for (let n = 0; n < sent; n += 1) await handle(-1, 10);
        for (const group of [0, 1, 2]) {
          const expected = [0, 3, 6, 9, 12].map((n) => String(n + group));
          expect(done.filter((body) => Number(body) % 3 === group)).toEqual(expected);
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('deduplication', () => {
  it('the same id within five minutes is one message, also after it was handled and after a restart', async () => {
    const first = await send('book', 'once', 'g', 'e1');
    expect(await send('book', 'again', 'g', 'e1')).toMatchObject({
      MessageId: first.MessageId,
      SequenceNumber: first.SequenceNumber,
    });
    const [message, ...others] = await receive('book');
    expect([message?.Body, others.length]).toEqual(['once', 0]);
    await discard('book', message);
    sqs.close();
    sqs = new FifoSqs(queues, folder, () => nowMs);
    nowMs += 299_999;
    await send('book', 'still', 'g', 'e1');
    expect(await bodies('book')).toEqual([]);
    nowMs += 1;
    await send('book', 'after five minutes', 'g', 'e1');
    expect(await bodies('book')).toEqual(['after five minutes']);
  });

  it('by default an id counts for the whole queue, with the scope messageGroup for its group', async () => {
    await send('book', 'a', 'a', 'e1');
    await send('book', 'b', 'b', 'e1');
    expect(await bodies('book')).toEqual(['a']);
    await send('groups', 'a', 'a', 'e1');
    await send('groups', 'b', 'b', 'e1');
    await send('groups', 'c', 'a', 'e1');
    expect(await bodies('groups')).toEqual(['a', 'b']);
  });

  it('by content, where the queue says so; else an id is asked for', async () => {
    await call('SendMessage', 'content', { MessageBody: 'same', MessageGroupId: 'a' });
    await call('SendMessage', 'content', { MessageBody: 'same', MessageGroupId: 'a' });
    expect(await bodies('content')).toEqual(['same']);
    await expect(call('SendMessage', 'book', { MessageBody: 'x', MessageGroupId: 'a' })).rejects.toThrow(
      /ContentBasedDeduplication enabled or MessageDeduplicationId/,
    );
  });

  it('more than ten thousand ids are remembered', async () => {
    const input = (from: number): Record<string, unknown> => ({
      Entries: Array.from({ length: 10 }, (_none, n) => ({
        Id: String(n),
        MessageBody: 'x',
        MessageGroupId: 'g',
        MessageDeduplicationId: String(from + n),
      })),
    });
    for (let from = 0; from < 10_010; from += 10) await call('SendMessageBatch', 'book', input(from));
    await send('book', 'again', 'g', '0');
    expect(await call('GetQueueAttributes', 'book', { AttributeNames: ['All'] })).toMatchObject({
      Attributes: { ApproximateNumberOfMessages: '10010' },
    });
  });
});

describe('dead letters', () => {
  it('a message received too often goes to the dead-letter queue, and the next one has its turn', async () => {
    await send('book', 'bad');
    await send('book', 'good');
    for (const _attempt of [1, 2]) {
      expect(await bodies('book', 1)).toEqual(['bad']);
      nowMs += 30_000;
    }
    expect(await bodies('book', 1)).toEqual(['good']);
    const [dead] = await receive('dead');
    expect(dead).toMatchObject({
      Body: 'bad',
      Attributes: {
        MessageGroupId: 'g',
        MessageDeduplicationId: 'bad',
        DeadLetterQueueSourceArn: `${place}:book.fifo`,
      },
    });
  });
});

describe('restarts', () => {
  it('keep what waits and what is in flight; what an ended receiver held is given back', async () => {
    for (const body of ['1', '2', '3']) await send('book', body);
    await receive('book', 2);
    sqs.close();
    sqs = new FifoSqs(queues, folder, () => nowMs);
    expect(await bodies('book')).toEqual([]);
    sqs.release(`${place}:book.fifo`);
    expect(await bodies('book')).toEqual(['1', '2', '3']);
  });
});

describe('long polls', () => {
  it('end with a message, with their caller, and with the queue', async () => {
    const poll = async (signal?: AbortSignal): Promise<unknown> =>
      sqs.operate(
        'ReceiveMessage',
        { QueueUrl: 'http://x/0/book.fifo', WaitTimeSeconds: 20 },
        (q) => q,
        signal,
      );
    const waiting = poll();
    await send('book', 'hello');
    expect(await waiting).toMatchObject({ Messages: [{ Body: 'hello' }] });
    const gone = new AbortController();
    const abandoned = poll(gone.signal);
    gone.abort();
    expect(await abandoned).toEqual({});
    const last = poll();
    sqs.stop();
    expect(await last).toEqual({});
  });
});
