import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetQueueAttributesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type LocalCloud, type StartCloudOptions, startCloud } from '../../sandbox/cloud/cloud.ts';
import { type CloudClients, clientsOf, receiveOne } from '../helpers/cloud-clients.ts';
import {
  arns,
  fixtureTemplate,
  names,
  STACK,
  type Template,
  temporaryFolder,
  writeAssembly,
} from '../helpers/cloud-fixture.ts';

let folder: string;
let remove: () => void;
let cloud: LocalCloud | undefined;
let operator: CloudClients;

beforeEach(() => {
  ({ folder, remove } = temporaryFolder());
});

afterEach(async () => {
  await cloud?.stop();
  cloud = undefined;
  remove();
});

async function start(
  change: (template: Template) => void = () => undefined,
  options: Partial<StartCloudOptions> = {},
): Promise<LocalCloud> {
  const template = fixtureTemplate();
  change(template);
  const assembly = writeAssembly(folder, template);
  cloud = await startCloud({
    assembly,
    stack: STACK,
    dataDir: `${folder}/data`,
    timeScale: 0.001,
    ...options,
  });
  operator = clientsOf(cloud.endpoint, 'operator');
  return cloud;
}

async function send(endpoint: string, detail: unknown, detailType = 'thing.done'): Promise<void> {
  const entry = {
    EventBusName: names.bus,
    Source: 'evenkeel.test',
    DetailType: detailType,
    Detail: JSON.stringify(detail),
  };
  const { FailedEntryCount: failed } = await clientsOf(endpoint, 'TaskRole').events.send(
    new PutEventsCommand({ Entries: [entry] }),
  );
  expect(failed).toBe(0);
}

async function stored(endpoint: string, pk: string): Promise<boolean> {
  const { Item: item } = await clientsOf(endpoint, 'operator').dynamodb.send(
    new GetItemCommand({ TableName: names.table, Key: { pk: { S: pk }, sk: { S: 'x' } } }),
  );
  return item !== undefined;
}

/** How many processes have the folder on their command line. */
function processesOn(place: string): number {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(place);
    } catch {
      // It ended meanwhile.
      return false;
    }
  }).length;
}

async function messagesIn(queue: string): Promise<number> {
  const { Attributes: attributes } = await operator.sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: `${cloud?.endpoint}/000000000000/${queue}`,
      AttributeNames: ['All'],
    }),
  );
  return (
    Number(attributes?.ApproximateNumberOfMessages) +
    Number(attributes?.ApproximateNumberOfMessagesNotVisible)
  );
}

describe('rules', () => {
  it('an event that the rule matches reaches the function and its table', async () => {
    const { endpoint, idle, stats } = await start();
    await send(endpoint, { do: 'put', pk: 'a' });
    await idle(60_000);
    expect(await stored(endpoint, 'a')).toBe(true);
    expect(stats()).toMatchObject({
      events: { accepted: 1, matched: 1, unmatched: 0 },
      deliveries: { ok: 1, failed: 0 },
      invocations: { ok: 1, failed: 0 },
      pending: 0,
    });
  });

  it('rule mismatch: an event with another detail-type is accepted and nothing is delivered', async () => {
    const { endpoint, stats } = await start();
    await send(endpoint, { do: 'put', pk: 'a' }, 'thing.renamed');
    await sleep(100);
    expect(await stored(endpoint, 'a')).toBe(false);
    expect(stats()).toMatchObject({
      events: { accepted: 1, matched: 0, unmatched: 1 },
      deliveries: { ok: 0 },
      pending: 0,
    });
  });

  it('a queue as target gets the transformed input', async () => {
    const { endpoint } = await start();
    await send(endpoint, { name: 'gold', n: 3 }, 'thing.queued');
    expect((await receiveOne(operator, endpoint, names.inbox)).body).toBe('{"hello":"gold","n":3}');
  });

  it('the archive keeps what its pattern matches, delivered or not', async () => {
    await start();
    await send(cloud?.endpoint ?? '', { n: 1 }, 'nobody.listens');
    await cloud?.stop();
    const archive = `${folder}/data/archives/fixture-archive`;
    const [file = ''] = readdirSync(archive);
    expect(JSON.parse(readFileSync(`${archive}/${file}`, 'utf8'))).toMatchObject({
      source: 'evenkeel.test',
      'detail-type': 'nobody.listens',
      account: '000000000000',
      region: 'eu-west-1',
      detail: { n: 1 },
    });
  });
});

describe('deliveries that fail', () => {
  it('the bus retries a throttled hand-over by its policy, then delivers', async () => {
    const { endpoint, idle, stats } = await start(undefined, {
      faults: [{ service: 'lambda', operation: 'Invoke', kind: 'throttling', count: 2 }],
    });
    await send(endpoint, { do: 'put', pk: 'a' });
    await idle(60_000);
    expect(await stored(endpoint, 'a')).toBe(true);
    expect(stats().deliveries).toMatchObject({ ok: 1, failed: 2, retried: 2, deadLettered: 0 });
  });

  it('retry then DLQ: when the retries are used up, the event goes to the rule’s dead-letter queue with the reason', async () => {
    const { endpoint, idle, stats } = await start(undefined, {
      faults: [{ service: 'lambda', operation: 'Invoke', kind: 'throttling' }],
    });
    await send(endpoint, { do: 'put', pk: 'a' });
    await idle(60_000);
    expect(stats().deliveries).toMatchObject({ ok: 0, failed: 4, retried: 3, deadLettered: 1, dropped: 0 });
    const { body, attributes } = await receiveOne(operator, endpoint, names.deadLetters);
    expect(JSON.parse(body)).toMatchObject({ 'detail-type': 'thing.done', detail: { do: 'put', pk: 'a' } });
    expect(attributes).toMatchObject({
      RULE_ARN: arns.rule,
      TARGET_ARN: arns.worker,
      ERROR_CODE: 'THROTTLING',
      EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts',
      RETRY_ATTEMPTS: '3',
    });
  });

  it('the age limit ends the retries too', async () => {
    const { endpoint, idle } = await start(
      (t) =>
        (t.Resources.Rule.Properties.Targets[0].RetryPolicy = {
          MaximumRetryAttempts: 185,
          MaximumEventAgeInSeconds: 60,
        }),
      { faults: [{ service: 'lambda', kind: 'throttling' }] },
    );
    await send(endpoint, { do: 'put', pk: 'a' });
    await idle(60_000);
    // Waits of 1, 2, 4, 8 and 16 s fit into a minute; the next, of 32 s, does not.
    expect((await receiveOne(operator, endpoint, names.deadLetters)).attributes).toMatchObject({
      EXHAUSTED_RETRY_CONDITION: 'MaximumEventAgeInSeconds',
      RETRY_ATTEMPTS: '5',
    });
  });

  it('without the Lambda permission nothing is invoked and the event goes to the dead-letter queue at once', async () => {
    const { endpoint, idle, stats } = await start((t) => delete t.Resources.RulePermission);
    await send(endpoint, { do: 'put', pk: 'a' });
    await idle(60_000);
    expect(await stored(endpoint, 'a')).toBe(false);
    expect(stats().deliveries).toMatchObject({ failed: 1, retried: 0, deadLettered: 1 });
    expect((await receiveOne(operator, endpoint, names.deadLetters)).attributes.ERROR_CODE).toBe(
      'NO_PERMISSIONS',
    );
  });

  it('without the queue’s policy the dead letter is dropped, and that is counted and said', async () => {
    const { endpoint, idle, stats } = await start((t) => {
      delete t.Resources.RulePermission;
      delete t.Resources.DeadLettersPolicy;
    });
    await send(endpoint, { do: 'put', pk: 'a' });
    await idle(60_000);
    expect(stats().deliveries).toMatchObject({ failed: 1, deadLettered: 0, dropped: 1 });
    expect(stats().problems.join('\n')).toContain(
      `the policy of ${arns.deadLetters} does not let events.amazonaws.com send`,
    );
    expect(await messagesIn(names.deadLetters)).toBe(0);
  });
});

describe('functions that fail', () => {
  it('Lambda tries again by its own policy, then uses the function’s dead-letter queue', async () => {
    const { endpoint, idle, stats } = await start();
    await send(endpoint, { do: 'throw', message: 'no' });
    await idle(60_000);
    // For the bus the hand-over was a success: its retries and its queue are not for errors of the function.
    expect(stats().deliveries).toMatchObject({ ok: 1, failed: 0, deadLettered: 0 });
    expect(stats().invocations).toMatchObject({ ok: 0, failed: 2, retried: 1, deadLettered: 1, dropped: 0 });
    const { body, attributes } = await receiveOne(operator, endpoint, names.deadLetters);
    expect(JSON.parse(body)).toMatchObject({ detail: { do: 'throw' } });
    expect(attributes).toMatchObject({ ErrorCode: '200', ErrorMessage: 'RangeError: no' });
  });

  it('time-out: counted, tried again, dead-lettered', async () => {
    const { endpoint, idle, stats } = await start();
    await send(endpoint, { do: 'hang' });
    await idle(60_000);
    expect(stats().invocations).toMatchObject({ failed: 2, timedOut: 2, retried: 1, deadLettered: 1 });
  });

  it('a failure destination gets the record of the invocation', async () => {
    const { endpoint, idle } = await start((t) => {
      delete t.Resources.Worker.Properties.DeadLetterConfig;
      t.Resources.WorkerAsync.Properties.DestinationConfig = {
        OnFailure: { Destination: { 'Fn::GetAtt': ['DeadLetters', 'Arn'] } },
      };
    });
    await send(endpoint, { do: 'throw', message: 'no' });
    await idle(60_000);
    expect(JSON.parse((await receiveOne(operator, endpoint, names.deadLetters)).body)).toMatchObject({
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 2 },
      requestPayload: { detail: { do: 'throw' } },
      responsePayload: { errorType: 'RangeError', errorMessage: 'no' },
    });
  });

  it('without the permission to send, the event is dropped and the reason said', async () => {
    const { endpoint, idle, stats } = await start((t) =>
      t.Resources.WorkerPolicy.Properties.PolicyDocument.Statement.splice(1, 1),
    );
    await send(endpoint, { do: 'throw', message: 'no' });
    await idle(60_000);
    expect(stats().invocations).toMatchObject({ deadLettered: 0, dropped: 1 });
    expect(stats().problems.join('\n')).toContain('not authorized to perform: sqs:SendMessage');
  });
});

describe('event source mappings', () => {
  const job = async (endpoint: string, body: unknown): Promise<void> => {
    await operator.sqs.send(
      new SendMessageCommand({
        QueueUrl: `${endpoint}/000000000000/${names.jobs}`,
        MessageBody: JSON.stringify(body),
      }),
    );
  };
  const until = async (condition: () => Promise<boolean>): Promise<void> => {
    await vi.waitFor(async () => expect(await condition()).toBe(true), { timeout: 60_000, interval: 25 });
  };

  it('messages reach the function and leave the queue; one that fails stays and ends in the dead-letter queue', async () => {
    const { endpoint } = await start();
    await job(endpoint, { do: 'put', pk: 'good' });
    await job(endpoint, { fail: true });
    await until(async () => stored(endpoint, 'good'));
    await until(async () => (await messagesIn(names.deadLetters)) === 1);
    expect(await messagesIn(names.jobs)).toBe(0);
  });

  it('does not work without the role’s permission to receive, and says so', async () => {
    const { endpoint, stats } = await start((t) =>
      t.Resources.WorkerPolicy.Properties.PolicyDocument.Statement.splice(2, 1),
    );
    await job(endpoint, { do: 'put', pk: 'good' });
    await sleep(200);
    expect(await stored(endpoint, 'good')).toBe(false);
    expect(stats().problems.join('\n')).toContain('sqs:ReceiveMessage');
  });
});

describe('restart', () => {
  it('keeps tables and queues, and the queue’s URL follows the new port', async () => {
    const first = await start();
    await send(first.endpoint, { do: 'put', pk: 'kept' });
    await send(first.endpoint, { name: 'kept', n: 1 }, 'thing.queued');
    await first.idle(60_000);
    await first.stop();
    const second = await start();
    expect(await stored(second.endpoint, 'kept')).toBe(true);
    expect((await receiveOne(operator, second.endpoint, names.inbox)).body).toContain('kept');
  });

  it('a SIGKILL loses no event that PutEvents accepted, frees the data folder and ends the engine', async () => {
    const assembly = writeAssembly(folder, fixtureTemplate());
    const options: StartCloudOptions = {
      assembly,
      stack: STACK,
      dataDir: `${folder}/data`,
      timeScale: 1,
      faults: [{ service: 'lambda', operation: 'Invoke', kind: 'throttling' }],
    };
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('../helpers/cloud-child.ts', import.meta.url)), JSON.stringify(options)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const [endpoint] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => send(endpoint, { do: 'put', pk: `pending-${i}` })),
    );
    expect(await stored(endpoint, 'pending-0')).toBe(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    for (const deadline = Date.now() + 60_000; processesOn(folder) > 0 && Date.now() < deadline; )
      await sleep(25);
    expect(processesOn(folder)).toBe(0);

    const second = await start();
    await second.idle(60_000);
    for (let i = 0; i < 20; i += 1)
      expect(await stored(second.endpoint, `pending-${i}`), `event ${i}`).toBe(true);
    expect(second.stats().invocations.ok).toBe(20);
  });

  it('a second cloud on the same data folder is refused', async () => {
    const { stop } = await start();
    const assembly = writeAssembly(folder, fixtureTemplate());
    await expect(startCloud({ assembly, stack: STACK, dataDir: `${folder}/data` })).rejects.toMatchObject({
      code: 'DATA_DIR_IN_USE',
    });
    await stop();
  });

  it('a port in use is refused by number', async () => {
    const first = await start();
    const port = Number(new URL(first.endpoint).port);
    const starting = startCloud({
      assembly: `${folder}/cdk.out`,
      stack: STACK,
      dataDir: `${folder}/other`,
      port,
    });
    await expect(starting).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(String(port)),
    });
  });

  it('a stored table with other keys than the template’s is refused, with both', async () => {
    const first = await start();
    await first.stop();
    const second = start(
      (t) => (t.Resources.Things.Properties.KeySchema = [{ AttributeName: 'pk', KeyType: 'HASH' }]),
    );
    await expect(second).rejects.toMatchObject({
      code: 'TABLE_DIFFERS',
      message: expect.stringMatching(/Stored: key\(pk:S:HASH,sk:S:RANGE\).*Template: key\(pk:S:HASH\)/),
    });
  });
});
