import { DescribeLogGroupsCommand, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import { type CloudClients, clientsOf } from '../helpers/cloud-clients.ts';
import { names, STACK, temporaryFolder, writeAssembly } from '../helpers/cloud-fixture.ts';
import { fifo, fifoTemplate } from '../helpers/cloud-templates.ts';

const { folder, remove } = temporaryFolder();
const patient = { timeout: 60_000 };
let cloud: LocalCloud;
let operator: CloudClients;

const start = async (): Promise<void> => {
  cloud = await startCloud({
    assembly: writeAssembly(folder, fifoTemplate()),
    stack: STACK,
    dataDir: `${folder}/data`,
    functionProcesses: true,
  });
  operator = clientsOf(cloud.endpoint, 'operator');
};

beforeAll(start);
afterAll(async () => {
  await cloud?.stop();
  remove();
});
afterEach(() => cloud.faults.clear());

const url = (queue: string): string => `${cloud.endpoint}/000000000000/${queue}`;
let sent = 0;
/** Sends orders for the fixture's function, one group after the other in turn. */
const send = async (
  orders: readonly Record<string, unknown>[],
  group = 'g',
  queue = fifo.queue,
): Promise<void> => {
  for (let from = 0; from < orders.length; from += 10) {
    const Entries = orders.slice(from, from + 10).map((order, n) => {
      sent += 1;
      return {
        Id: String(n),
        MessageBody: JSON.stringify(order),
        MessageGroupId: group,
        MessageDeduplicationId: `m${sent}`,
      };
    });
    const answer = await operator.sqs.send(new SendMessageBatchCommand({ QueueUrl: url(queue), Entries }));
    expect(answer.Failed ?? []).toEqual([]);
  }
};
const untilEmpty = async (queue = fifo.queue): Promise<void> => {
  await vi.waitFor(async () => expect(await cloud.queueDepth(queue)).toBe(0), {
    timeout: 60_000,
    interval: 20,
  });
};
const seen = async (pk: string): Promise<string[]> => {
  const { Item: item } = await operator.dynamodb.send(
    new GetItemCommand({
      TableName: names.table,
      Key: { pk: { S: pk }, sk: { S: 'x' } },
      ConsistentRead: true,
    }),
  );
  return (item?.seen?.L ?? []).map(({ S: value = '' }) => value);
};
const numbers = (count: number): string[] => Array.from({ length: count }, (_none, n) => String(n));

describe('a FIFO queue', () => {
  it('by the SDK: URL, attributes, batches, order, visibility', async () => {
    const { QueueUrl } = await operator.sqs.send(new GetQueueUrlCommand({ QueueName: fifo.commands }));
    expect(QueueUrl).toBe(url(fifo.commands));
    await send([{ n: 1 }, { n: 2 }], 'trade#DU1', fifo.commands);
    const receive = async (): Promise<ReceiveMessageCommand['input'] & { Messages: { Body?: string }[] }> =>
      (await operator.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: 10,
          WaitTimeSeconds: 1,
          MessageSystemAttributeNames: ['All'],
        }),
      )) as never;
    const { Messages: messages } = (await receive()) as unknown as {
      Messages: { Body: string; ReceiptHandle: string; Attributes: Record<string, string> }[];
    };
    expect(messages.map((m) => m.Body)).toEqual(['{"n":1}', '{"n":2}']);
    expect(messages[0]?.Attributes).toMatchObject({
      MessageGroupId: 'trade#DU1',
      ApproximateReceiveCount: '1',
      SequenceNumber: expect.stringMatching(/^\d{20}$/),
    });
    const attributes = await operator.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
    );
    expect(attributes.Attributes).toMatchObject({
      FifoQueue: 'true',
      ContentBasedDeduplication: 'true',
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesNotVisible: '2',
    });
    await operator.sqs.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl,
        ReceiptHandle: messages[0]?.ReceiptHandle,
        VisibilityTimeout: 0,
      }),
    );
    await operator.sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl,
        Entries: [{ Id: 'a', ReceiptHandle: messages[1]?.ReceiptHandle }],
      }),
    );
    expect((await receive()).Messages.map((m) => m.Body)).toEqual(['{"n":1}']);
  });

  it('refuses what SQS refuses, in its format', async () => {
    const QueueUrl = url(fifo.queue);
    await expect(
      operator.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' })),
    ).rejects.toMatchObject({ name: 'MissingParameter', message: expect.stringContaining('MessageGroupId') });
    await expect(
      operator.sqs.send(new GetQueueUrlCommand({ QueueName: 'nowhere.fifo' })),
    ).rejects.toMatchObject({ name: 'QueueDoesNotExist' });
    await expect(
      clientsOf(cloud.endpoint, 'TaskRole').sqs.send(
        new SendMessageCommand({
          QueueUrl,
          MessageBody: 'x',
          MessageGroupId: 'g',
          MessageDeduplicationId: 'x',
        }),
      ),
    ).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});

describe('a function on a FIFO queue', () => {
  it('handles each group in order, though messages fail on the way', async () => {
    const orders = (pk: string): Record<string, unknown>[] =>
      numbers(25).map((value) => ({
        do: 'append',
        pk,
        value,
        ...(value === '7' || value === '8' ? { fromAttempt: 2 } : {}),
      }));
    await Promise.all([send(orders('in-order-a'), 'a'), send(orders('in-order-b'), 'b')]);
    await untilEmpty();
    // On a busy machine a batch may take longer than it is out of sight, and come once more: nothing runs ahead for that.
    const firsts = async (pk: string) => [...new Set(await seen(pk))];
    expect(await firsts('in-order-a')).toEqual(numbers(25));
    expect(await firsts('in-order-b')).toEqual(numbers(25));
  });

  it('gives up a message after its receipts, with what stood behind it, and goes on with the group', async () => {
    await send([
      { do: 'append', pk: 'dead', value: 'before' },
      { fail: true },
      { do: 'append', pk: 'dead', value: 'after' },
    ]);
    await untilEmpty();
    await send([{ do: 'append', pk: 'dead', value: 'later' }]);
    await untilEmpty();
    expect(await seen('dead')).toEqual(['before', 'later']);
    const { Messages: messages = [] } = await operator.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: url(fifo.deadLetters), MaxNumberOfMessages: 10 }),
    );
    // What stood behind it in its batch had to fail with it, and was received as often: so it is on AWS too.
    expect(messages.map((m) => m.Body)).toEqual([
      '{"fail":true}',
      '{"do":"append","pk":"dead","value":"after"}',
    ]);
  });
});

describe('functions as processes', () => {
  const isAlive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  it('have pids of their own; one that is killed is replaced, and its batch comes again', async () => {
    await send([{ do: 'append', pk: 'killed', value: 'first' }]);
    await untilEmpty();
    const pids = cloud.functionPids(names.worker);
    expect(pids.length).toBeGreaterThan(0);
    expect(pids).not.toContain(process.pid);
    await send([{ hangsAt: 1, do: 'append', pk: 'killed', value: 'second' }]);
    await vi.waitFor(async () => {
      const { Attributes: attributes } = await operator.sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: url(fifo.queue), AttributeNames: ['All'] }),
      );
      expect(attributes?.ApproximateNumberOfMessagesNotVisible).toBe('1');
    });
    const killed = cloud.functionPids(names.worker);
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => expect(killed.some(isAlive)).toBe(false), patient);
    await untilEmpty();
    expect(await seen('killed')).toEqual(['first', 'second']);
    expect(cloud.stats().problems.join('\n')).toContain('signal: killed');
  });

  it.each(['before', 'after'] as const)(
    'a fault kills the caller at the n-th call, %s it is carried out; the call is made again',
    async (when) => {
      const pk = `signal-${when}`;
      const invocations = cloud.stats().invocations.failed;
      cloud.faults.add({
        service: 'dynamodb',
        operation: 'UpdateItem',
        caller: 'WorkerRole',
        kind: 'signal',
        after: 2,
        when,
      });
      await send(numbers(5).map((value) => ({ do: 'append', pk, value })));
      await untilEmpty();
      // The batch of five comes again as a whole: the two before the fault are there twice, the third if it was done.
      const done = when === 'before' ? ['0', '1'] : ['0', '1', '2'];
      expect(await seen(pk)).toEqual([...done, ...numbers(5)]);
      expect(cloud.stats().invocations.failed).toBe(invocations + 1);
    },
  );

  it('the memory of a function bounds its process', async () => {
    const answer = await operator.lambda.send(
      new InvokeCommand({ FunctionName: names.worker, Payload: JSON.stringify({ do: 'exit' }) }),
    );
    expect(answer.Payload?.transformToString()).toContain('exit status 7');
  });
});

describe('CloudWatch Logs', () => {
  const group = '/fixture/worker';

  it('what a function printed is read by its log group, by time, terms and pages', async () => {
    const startTime = Date.now();
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      const answer = await operator.lambda.send(
        new InvokeCommand({ FunctionName: names.worker, Payload: '{"do":"nothing"}' }),
      );
      ids.push(answer.$metadata.requestId ?? '');
    }
    const read = async (limit: number, filterPattern = 'handling'): Promise<string[]> => {
      const messages: string[] = [];
      let nextToken: string | undefined;
      do {
        const page = await operator.logs.send(
          new FilterLogEventsCommand({ logGroupName: group, startTime, filterPattern, limit, nextToken }),
        );
        messages.push(...(page.events ?? []).map(({ message = '' }) => message));
        nextToken = page.nextToken;
      } while (nextToken !== undefined);
      return messages;
    };
    await vi.waitFor(async () => expect(await read(10)).toHaveLength(3), patient);
    expect((await read(1)).map((message) => message.split(' ').at(-1))).toEqual(ids);
    expect(await read(10, `"${ids[1]}"`)).toHaveLength(1);
    expect(await read(10, 'handling -handling')).toEqual([]);
  });

  it('the groups of the template; one that is not there', async () => {
    const { logGroups } = await operator.logs.send(
      new DescribeLogGroupsCommand({ logGroupNamePrefix: '/fix' }),
    );
    expect(logGroups?.map(({ logGroupName }) => logGroupName)).toEqual([group]);
    await expect(
      operator.logs.send(new FilterLogEventsCommand({ logGroupName: '/nowhere' })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(
      clientsOf(cloud.endpoint, 'TaskRole').logs.send(new FilterLogEventsCommand({ logGroupName: group })),
    ).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});

it('the stop does not wait for a long poll, and a restart keeps what waits', async () => {
  await send([{ n: 'kept' }], 'g', fifo.byGroup);
  const poll = operator.sqs
    .send(new ReceiveMessageCommand({ QueueUrl: url(fifo.commands), WaitTimeSeconds: 20 }))
    .catch(() => undefined);
  const standard = operator.sqs
    .send(new ReceiveMessageCommand({ QueueUrl: url(names.inbox), WaitTimeSeconds: 20 }))
    .catch(() => undefined);
  await vi.waitFor(() => expect(cloud.stats().requests['sqs:ReceiveMessage']).toBeGreaterThan(1), patient);
  const startedMs = performance.now();
  await cloud.stop();
  await Promise.all([poll, standard]);
  expect(performance.now() - startedMs).toBeLessThan(15_000);
  await start();
  expect(await cloud.queueDepth(fifo.byGroup)).toBe(1);
});
