import {
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { PutEventsCommand, PutRuleCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import {
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import { type CloudClients, clientsOf } from '../helpers/cloud-clients.ts';
import { fixtureTemplate, names, STACK, temporaryFolder, writeAssembly } from '../helpers/cloud-fixture.ts';

const { folder, remove } = temporaryFolder();
let cloud: LocalCloud;
let operator: CloudClients;
let worker: CloudClients;
let task: CloudClients;

beforeAll(async () => {
  cloud = await startCloud({
    assembly: writeAssembly(folder, fixtureTemplate()),
    stack: STACK,
    dataDir: `${folder}/data`,
  });
  operator = clientsOf(cloud.endpoint, 'operator');
  worker = clientsOf(cloud.endpoint, 'WorkerRole');
  task = clientsOf(cloud.endpoint, 'TaskRole');
});

afterAll(async () => {
  await cloud?.stop();
  remove();
});

afterEach(() => cloud.faults.clear());

const key = (pk: string): { pk: { S: string }; sk: { S: string } } => ({ pk: { S: pk }, sk: { S: 'x' } });
const put = (pk: string): PutItemCommand => new PutItemCommand({ TableName: names.table, Item: key(pk) });
const get = (pk: string): GetItemCommand => new GetItemCommand({ TableName: names.table, Key: key(pk) });

describe('DynamoDB', () => {
  it('a role does what its policy allows', async () => {
    await worker.dynamodb.send(put('allowed'));
    expect((await operator.dynamodb.send(get('allowed'))).Item).toEqual(key('allowed'));
  });

  it('AccessDenied: a role may not do what its policy does not name, and AWS’s words say so', async () => {
    await expect(worker.dynamodb.send(get('allowed'))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringMatching(
        /^User: arn:aws:sts::000000000000:assumed-role\/fixture-test-WorkerRole\/local is not authorized to perform: dynamodb:GetItem on resource: arn:aws:dynamodb:eu-west-1:000000000000:table\/fixture-things because no identity-based policy allows the dynamodb:GetItem action$/,
      ),
    });
    expect(cloud.stats().denied).toBeGreaterThan(0);
  });

  it('AccessDenied: one forbidden item refuses the whole transaction, and nothing is written', async () => {
    const transaction = new TransactWriteItemsCommand({
      TransactItems: [
        { Put: { TableName: names.table, Item: key('in-transaction') } },
        { Delete: { TableName: names.table, Key: key('allowed') } },
      ],
    });
    await expect(worker.dynamodb.send(transaction)).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('dynamodb:DeleteItem'),
    });
    expect((await operator.dynamodb.send(get('in-transaction'))).Item).toBeUndefined();
  });

  it('the index and the keys of the template are there', async () => {
    await operator.dynamodb.send(
      new PutItemCommand({ TableName: names.table, Item: { ...key('indexed'), day: { S: 'today' } } }),
    );
    const query = {
      TableName: names.table,
      IndexName: 'byDay',
      KeyConditionExpression: '#day = :day',
      ExpressionAttributeNames: { '#day': 'day' },
      ExpressionAttributeValues: { ':day': { S: 'today' } },
    };
    expect((await worker.dynamodb.send(new QueryCommand(query))).Count).toBe(1);
  });

  it('errors of the engine come through: a condition that fails, a table that does not exist', async () => {
    const conditional = new PutItemCommand({
      TableName: names.table,
      Item: key('allowed'),
      ConditionExpression: 'attribute_not_exists(pk)',
    });
    await expect(worker.dynamodb.send(conditional)).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
    });
    await expect(
      operator.dynamodb.send(new PutItemCommand({ TableName: 'nowhere', Item: key('x') })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('credentials that no role has are not known', async () => {
    await expect(clientsOf(cloud.endpoint, 'Stranger').dynamodb.send(get('x'))).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
    });
  });
});

describe('EventBridge', () => {
  const entry = {
    EventBusName: names.bus,
    Source: 'evenkeel.test',
    DetailType: 'nothing.matches',
    Detail: '{}',
  };

  it('accepts entries of a role that may, by the bus’s name and by its ARN', async () => {
    const arn = cloud.model.buses.find((bus) => bus.name === names.bus)?.arn;
    const answer = await task.events.send(
      new PutEventsCommand({ Entries: [entry, { ...entry, EventBusName: arn }] }),
    );
    expect(answer.FailedEntryCount).toBe(0);
    expect(answer.Entries?.map((e) => e.EventId?.length)).toEqual([36, 36]);
  });

  it('AccessDenied: a role without events:PutEvents, and one for another bus', async () => {
    await expect(worker.events.send(new PutEventsCommand({ Entries: [entry] }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining(
        `events:PutEvents on resource: arn:aws:events:eu-west-1:000000000000:event-bus/${names.bus}`,
      ),
    });
    await expect(
      task.events.send(new PutEventsCommand({ Entries: [{ ...entry, EventBusName: 'default' }] })),
    ).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  it('refuses single entries and accepts the others', async () => {
    const entries = [
      entry,
      { ...entry, Detail: '{' },
      { ...entry, Source: undefined },
      { ...entry, Source: 'aws.ec2' },
      { ...entry, Detail: '[1]' },
    ];
    const { FailedEntryCount: failed, Entries: results } = await operator.events.send(
      new PutEventsCommand({ Entries: entries }),
    );
    expect(failed).toBe(4);
    expect(results?.map((r) => r.ErrorCode)).toEqual([
      undefined,
      'MalformedDetail',
      'InvalidArgument',
      'NotAuthorizedForSourceException',
      'MalformedDetail',
    ]);
  });

  it.each([
    ['no entry', [], 'greater than or equal to 1'],
    ['eleven entries', Array.from({ length: 11 }, () => entry), 'less than or equal to 10'],
    [
      'more than 256 KB',
      [{ ...entry, Detail: JSON.stringify({ x: 'a'.repeat(262_144) }) }],
      'over the limit',
    ],
  ])('refuses a request with %s', async (_what, entries, message) => {
    await expect(operator.events.send(new PutEventsCommand({ Entries: entries }))).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining(message),
    });
  });
});

describe('SQS', () => {
  it('queue URLs carry the endpoint; messages are sent, received and deleted', async () => {
    const { QueueUrl: url } = await operator.sqs.send(new GetQueueUrlCommand({ QueueName: names.inbox }));
    expect(url).toBe(`${cloud.endpoint}/000000000000/${names.inbox}`);
    await operator.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'one' }));
    await operator.sqs.send(
      new SendMessageBatchCommand({ QueueUrl: url, Entries: [{ Id: 'a', MessageBody: 'two' }] }),
    );
    const { Messages: messages = [] } = await operator.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
    );
    expect(messages.map((m) => m.Body)).toEqual(['one', 'two']);
    for (const m of messages)
      await operator.sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: m.ReceiptHandle }));
  });

  it('a role may use the queues that its policy names, and no others', async () => {
    const to = (queue: string): SendMessageCommand =>
      new SendMessageCommand({
        QueueUrl: `${cloud.endpoint}/000000000000/${queue}`,
        MessageBody: '{"do":"nothing"}',
      });
    await worker.sqs.send(to(names.deadLetters));
    await expect(worker.sqs.send(to(names.inbox))).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('sqs:SendMessage'),
    });
  });

  it('a queue that does not exist', async () => {
    await expect(operator.sqs.send(new GetQueueUrlCommand({ QueueName: 'nowhere' }))).rejects.toMatchObject({
      name: 'QueueDoesNotExist',
    });
  });
});

describe('Lambda', () => {
  const invoke = async (
    payload: unknown,
    clients = operator,
  ): Promise<{ error: string | undefined; payload: Record<string, unknown> }> => {
    const answer = await clients.lambda.send(
      new InvokeCommand({ FunctionName: names.worker, Payload: JSON.stringify(payload) }),
    );
    return {
      error: answer.FunctionError,
      payload: JSON.parse(answer.Payload?.transformToString() ?? 'null') as Record<string, unknown>,
    };
  };

  it('runs the bundled handler with its environment, context and role, and nothing of this process', async () => {
    process.env.SECRET_OF_THE_PARENT = 'x';
    const { error, payload } = await invoke({ do: 'put', pk: 'by-the-function' });
    delete process.env.SECRET_OF_THE_PARENT;
    expect(error).toBeUndefined();
    expect(payload).toMatchObject({
      name: names.worker,
      env: {
        TABLE: names.table,
        AWS_ACCESS_KEY_ID: 'WorkerRole',
        AWS_ENDPOINT_URL: cloud.endpoint,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      },
    });
    expect(payload.env).not.toHaveProperty('SECRET_OF_THE_PARENT');
    expect(payload.env).not.toHaveProperty('HOME');
    expect(payload.remaining).toBeGreaterThan(0);
    expect((await operator.dynamodb.send(get('by-the-function'))).Item).toBeDefined();
  });

  it('an error of the handler is a FunctionError', async () => {
    const { error, payload } = await invoke({ do: 'throw', message: 'too far' });
    expect(error).toBe('Unhandled');
    expect(payload).toMatchObject({ errorType: 'RangeError', errorMessage: 'too far' });
  });

  it.each(['hang', 'spin'])(
    'time-out: a handler that would %s is ended after its time, and the next invocation works',
    async (what) => {
      const startedMs = performance.now();
      const { error, payload } = await invoke({ do: what });
      expect(error).toBe('Unhandled');
      expect(payload).toMatchObject({
        errorType: 'Sandbox.Timedout',
        errorMessage: expect.stringContaining('Task timed out after 1.00 seconds'),
      });
      expect(performance.now() - startedMs).toBeLessThan(30_000);
      expect((await invoke({ do: 'nothing' })).error).toBeUndefined();
    },
  );

  it('a handler that ends its process, or takes more memory than it has, fails alone', async () => {
    expect((await invoke({ do: 'exit' })).payload).toMatchObject({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringContaining('exit status 7'),
    });
    // On a busy machine its second may be over before its memory is full: then it is asked again.
    await vi.waitFor(
      async () =>
        expect((await invoke({ do: 'hog' })).payload).toMatchObject({ errorType: 'Runtime.OutOfMemory' }),
      { timeout: 60_000 },
    );
    expect((await invoke({ do: 'nothing' })).error).toBeUndefined();
  });

  it('a large answer comes whole, and one above Lambda’s limit is an error of the function', async () => {
    const large = await invoke({ do: 'answer', bytes: 6_000_000 });
    expect(large.error).toBeUndefined();
    expect(large.payload).toHaveLength(6_000_000);
    const { error, payload } = await invoke({ do: 'answer', bytes: 6_291_556 });
    expect(error).toBe('Unhandled');
    expect(payload).toMatchObject({
      errorType: 'Function.ResponseSizeTooLarge',
      errorMessage: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
    });
  });

  it('invocations by a role need its permission', async () => {
    expect((await invoke({ do: 'nothing' }, task)).error).toBeUndefined();
    await expect(invoke({ do: 'nothing' }, worker)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  it('asynchronous and dry-run invocations, a function that does not exist, a payload that is no JSON', async () => {
    const asynchronous = await operator.lambda.send(
      new InvokeCommand({
        FunctionName: names.worker,
        InvocationType: 'Event',
        Payload: JSON.stringify({ do: 'put', pk: 'later' }),
      }),
    );
    expect(asynchronous.StatusCode).toBe(202);
    expect(
      (
        await operator.lambda.send(
          new InvokeCommand({ FunctionName: names.worker, InvocationType: 'DryRun' }),
        )
      ).StatusCode,
    ).toBe(204);
    await cloud.idle(60_000);
    expect((await operator.dynamodb.send(get('later'))).Item).toBeDefined();
    await expect(operator.lambda.send(new InvokeCommand({ FunctionName: 'nowhere' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    await expect(
      operator.lambda.send(new InvokeCommand({ FunctionName: names.worker, Payload: '{' })),
    ).rejects.toMatchObject({ name: 'InvalidRequestContentException' });
  });
});

describe('Secrets Manager, STS and the environment of a container', () => {
  it('a secret is generated once, and ECS hands its field to the container', async () => {
    const { SecretString: text } = await operator.secrets.send(
      new GetSecretValueCommand({ SecretId: names.secret }),
    );
    const { user, password } = JSON.parse(text ?? '') as Record<string, string>;
    expect(user).toBe('desk');
    expect(cloud.containerEnvironment('streamer')).toMatchObject({
      EVENT_BUS_NAME: names.bus,
      LOGIN_PASSWORD: password,
      AWS_ENDPOINT_URL: cloud.endpoint,
      AWS_ACCESS_KEY_ID: 'TaskRole',
      AWS_REGION: 'eu-west-1',
    });
  });

  it('a secret that a role may not read, and one that does not exist', async () => {
    await expect(
      task.secrets.send(new GetSecretValueCommand({ SecretId: names.secret })),
    ).rejects.toMatchObject({ name: 'AccessDeniedException' });
    await expect(
      operator.secrets.send(new GetSecretValueCommand({ SecretId: 'nowhere' })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('a role without the permission can neither make, change, look at nor list secrets; the operator can', async () => {
    const commands = () => [
      new CreateSecretCommand({ Name: 'fixture/new', SecretString: '{"a":"1"}' }),
      new PutSecretValueCommand({ SecretId: 'fixture/new', SecretString: '{"a":"2"}' }),
      new DescribeSecretCommand({ SecretId: 'fixture/new' }),
      new ListSecretsCommand({ Filters: [{ Key: 'name', Values: ['fixture/new'] }] }),
    ];
    for (const command of commands()) {
      await expect(task.secrets.send(command as ListSecretsCommand)).rejects.toMatchObject({
        name: 'AccessDeniedException',
      });
    }
    for (const command of commands()) await operator.secrets.send(command as ListSecretsCommand);
    const { SecretString: text } = await operator.secrets.send(
      new GetSecretValueCommand({ SecretId: 'fixture/new' }),
    );
    expect(text).toBe('{"a":"2"}');
  });

  it('a container that the template does not have', () => {
    expect(() => cloud.containerEnvironment('other')).toThrowError(
      /no task definition.*container other; there are: streamer/i,
    );
  });

  it('containers of one name are told apart by their variables', () => {
    expect(cloud.containerEnvironment('streamer', { EVENT_BUS_NAME: names.bus }).AWS_ACCESS_KEY_ID).toBe(
      'TaskRole',
    );
    expect(() => cloud.containerEnvironment('streamer', { EVENT_BUS_NAME: 'other' })).toThrowError(
      expect.objectContaining({ code: 'CONTAINER_MISSING' }),
    );
  });

  it('GetCallerIdentity names the role', async () => {
    expect((await task.sts.send(new GetCallerIdentityCommand({}))).Arn).toBe(
      'arn:aws:sts::000000000000:assumed-role/fixture-test-TaskRole/local',
    );
  });
});

describe('what the local cloud does not have', () => {
  it.each<[string, () => Promise<unknown>, string]>([
    [
      'another service',
      async () => {
        const authorization =
          'AWS4-HMAC-SHA256 Credential=operator/20260101/eu-west-1/kms/aws4_request, SignedHeaders=host, Signature=0';
        const headers = { authorization, 'x-amz-target': 'TrentService.Encrypt' };
        const answer = await fetch(cloud.endpoint, { method: 'POST', headers, body: '{}' });
        throw Object.assign(new Error(await answer.text()), { $metadata: { httpStatusCode: answer.status } });
      },
      'does not have kms: TrentService.Encrypt',
    ],
    [
      'another operation of EventBridge',
      async () => operator.events.send(new PutRuleCommand({ Name: 'x' })),
      'events PutRule',
    ],
    [
      'another operation of Lambda',
      async () => operator.lambda.send(new ListFunctionsCommand({})),
      'lambda: GET /2015-03-31/functions',
    ],
  ])('%s is answered with status 501, by name', async (_what, call, named) => {
    const error = await call().then(
      () => undefined,
      (e: unknown) => e as Error & { $metadata: { httpStatusCode: number } },
    );
    expect(error?.$metadata.httpStatusCode).toBe(501);
    expect(`${error?.name} ${error?.message}`).toContain(named);
  });
});

describe('injected faults', () => {
  it('throttling hits as many requests as asked, then the service works again', async () => {
    cloud.faults.add({ service: 'dynamodb', operation: 'PutItem', kind: 'throttling', count: 2 });
    await expect(operator.dynamodb.send(put('f'))).rejects.toMatchObject({ name: 'ThrottlingException' });
    await expect(operator.dynamodb.send(put('f'))).rejects.toMatchObject({ name: 'ThrottlingException' });
    await operator.dynamodb.send(put('f'));
  });

  it('an SDK client with its own retries gets over a throttled request', async () => {
    cloud.faults.add({ service: 'dynamodb', kind: 'throttling', count: 1 });
    await clientsOf(cloud.endpoint, 'operator', 3).dynamodb.send(put('patient'));
    expect((await operator.dynamodb.send(get('patient'))).Item).toBeDefined();
  });

  it('a conflict, for a single item and for a transaction', async () => {
    cloud.faults.add({ service: 'dynamodb', kind: 'conflict', count: 2 });
    await expect(operator.dynamodb.send(put('f'))).rejects.toMatchObject({
      name: 'TransactionConflictException',
    });
    const transaction = new TransactWriteItemsCommand({
      TransactItems: [{ Put: { TableName: names.table, Item: key('f') } }],
    });
    await expect(operator.dynamodb.send(transaction)).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      CancellationReasons: [{ Code: 'TransactionConflict' }],
    });
  });

  it('a time-out does nothing; a lost answer does it and says nothing', async () => {
    cloud.faults.add({ service: 'dynamodb', operation: 'PutItem', kind: 'timeout', count: 1 });
    await expect(operator.dynamodb.send(put('timed-out'))).rejects.toThrow();
    cloud.faults.add({ service: 'dynamodb', operation: 'PutItem', kind: 'lost-answer', count: 1 });
    await expect(operator.dynamodb.send(put('lost-answer'))).rejects.toThrow();
    expect((await operator.dynamodb.send(get('timed-out'))).Item).toBeUndefined();
    expect((await operator.dynamodb.send(get('lost-answer'))).Item).toBeDefined();
  });

  it('PutEvents fails for some entries only', async () => {
    cloud.faults.add({ service: 'events', operation: 'PutEvents', kind: 'partial', entries: [1], count: 1 });
    const entry = {
      EventBusName: names.bus,
      Source: 'evenkeel.test',
      DetailType: 'nothing.matches',
      Detail: '{}',
    };
    const { FailedEntryCount: failed, Entries: results } = await task.events.send(
      new PutEventsCommand({ Entries: [entry, entry] }),
    );
    expect(failed).toBe(1);
    expect(results?.[0]?.EventId).toBeDefined();
    expect(results?.[1]?.ErrorCode).toBe('ThrottlingException');
  });

  it('an internal error', async () => {
    cloud.faults.add({ service: 'events', kind: 'internal', count: 1 });
    await expect(task.events.send(new PutEventsCommand({ Entries: [] }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 500 },
    });
  });
});
