import type { SendMessageBatchCommand, SendMessageBatchCommandOutput, SQSClient } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from 'vitest';
import { type BookEvent, BookQueue } from '../../lib/aws/book-queue.ts';

type Input = SendMessageBatchCommand['input'];
type Answer = Pick<SendMessageBatchCommandOutput, 'Successful' | 'Failed'>;

const takesAll = ({ Entries }: Input): Answer =>
  ({ Successful: Entries!.map(({ Id }) => ({ Id })), Failed: [] }) as never;
let answers: (input: Input) => Answer;
let inputs: Input[];
const client = {
  send: async ({ input }: SendMessageBatchCommand) => {
    inputs.push(input);
    return answers(input);
  },
} as unknown as SQSClient;
const queue = new BookQueue({ client, queueUrl: 'https://sqs/book.fifo' });

function event(seq: number, padding = ''): BookEvent {
  return { id: `main:3:${seq}`, type: 'order.changed', account: 'DU1', padding } as BookEvent;
}

const ids = () => inputs.map(({ Entries }) => Entries!.map(({ Id }) => Id));

beforeEach(() => {
  inputs = [];
  answers = takesAll;
});

describe("the book's queue", () => {
  it('sends events as one batch, grouped by account, deduplicated by their id', async () => {
    const other = { ...event(2), account: 'DU2' };
    expect(await queue.publish([event(1), other])).toEqual([{ ok: true }, { ok: true }]);
    expect(inputs[0]).toEqual({
      QueueUrl: 'https://sqs/book.fifo',
      Entries: [
        {
          Id: '0',
          MessageBody: JSON.stringify(event(1)),
          MessageGroupId: 'DU1',
          MessageDeduplicationId: 'main:3:1',
        },
        {
          Id: '1',
          MessageBody: JSON.stringify(other),
          MessageGroupId: 'DU2',
          MessageDeduplicationId: 'main:3:2',
        },
      ],
    });
  });

  it('gives each event its own result, whatever order the answer is in', async () => {
    answers = () => ({
      Failed: [{ Id: '1', Code: 'InternalError', Message: 'again', SenderFault: false }],
      Successful: [{ Id: '2' }, { Id: '0' }] as never,
    });
    expect(await queue.publish([event(1), event(2), event(3), event(4)])).toEqual([
      { ok: true },
      { ok: false, code: 'InternalError', message: 'again' },
      { ok: true },
      { ok: false, code: 'NO_ANSWER', message: expect.any(String) },
    ]);
  });

  it('splits what is too much for one request, and what follows a failure is not tried', async () => {
    const big = 'x'.repeat(100 * 1024);
    expect(await queue.publish([1, 2, 3, 4, 5].map((seq) => event(seq, big)))).toHaveLength(5);
    expect(ids()).toEqual([['0', '1'], ['2', '3'], ['4']]);
    inputs = [];
    answers = () => {
      throw new Error('socket hang up');
    };
    const results = await queue.publish([1, 2, 3].map((seq) => event(seq, big)));
    expect(results.map((result) => (result.ok ? 'ok' : result.code))).toEqual([
      'Error',
      'Error',
      'NOT_TRIED',
    ]);
    expect(inputs).toHaveLength(1);
  });

  it('an event beyond the limit can never be sent, and does not hold the others back', async () => {
    const results = await queue.publish([event(1), event(2, 'é'.repeat(140 * 1024)), event(3)]);
    expect(results.map((result) => (result.ok ? 'ok' : result.code))).toEqual(['ok', 'EntryTooLarge', 'ok']);
    expect(ids()[0]).toEqual(['0', '2']);
  });

  it('more than ten events are a mistake of the caller', async () => {
    await expect(queue.publish(Array.from({ length: 11 }, (_, seq) => event(seq)))).rejects.toThrow(
      /BOOK_BATCH_TOO_LONG/,
    );
  });
});
