import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import { type CloudClients, clientsOf, receiveOne } from '../helpers/cloud-clients.ts';
import { arns, names, STACK, temporaryFolder, writeAssembly } from '../helpers/cloud-fixture.ts';
import { schedules, schedulesTemplate } from '../helpers/cloud-templates.ts';

const { folder, remove } = temporaryFolder();
let cloud: LocalCloud;
let operator: CloudClients;

beforeAll(async () => {
  cloud = await startCloud({
    assembly: writeAssembly(folder, schedulesTemplate()),
    stack: STACK,
    dataDir: `${folder}/data`,
    timeScale: 0.001,
  });
  operator = clientsOf(cloud.endpoint, 'operator');
});

afterAll(async () => {
  await cloud?.stop();
  remove();
});

afterEach(() => cloud.faults.clear());

const arnOf = (name: string): string =>
  `arn:aws:scheduler:eu-west-1:000000000000:schedule/fixture-jobs/${name}`;

it('a schedule invokes its function with its input, under its role', async () => {
  const before = cloud.stats().scheduler;
  cloud.fireSchedule(schedules.daily);
  await cloud.idle(60_000);
  const { Items: items = [] } = await operator.dynamodb.send(new ScanCommand({ TableName: names.table }));
  expect(items).toEqual([{ pk: { S: expect.stringMatching(/^[0-9a-f]{16}$/) }, sk: { S: 'x' } }]);
  const { fired, ok } = cloud.stats().scheduler;
  expect([fired - before.fired, ok - before.ok]).toEqual([1, 1]);
  expect(cloud.stats().invocations).toMatchObject({ ok: 1, failed: 0 });
});

it('a schedule without an input sends the event of AWS to its queue', async () => {
  cloud.fireSchedule(schedules.queued);
  const { body } = await receiveOne(operator, cloud.endpoint, names.inbox);
  expect(JSON.parse(body)).toEqual({
    version: '0',
    id: expect.any(String),
    'detail-type': 'Scheduled Event',
    source: 'aws.scheduler',
    account: '000000000000',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    region: 'eu-west-1',
    resources: [arnOf(schedules.queued)],
    detail: '{}',
  });
});

it('a role without the permission: the input goes to the dead-letter queue at once, and is counted as denied', async () => {
  const { denied } = cloud.stats();
  cloud.fireSchedule(schedules.forbidden);
  const { body, attributes } = await receiveOne(operator, cloud.endpoint, names.deadLetters);
  expect(JSON.parse(body)).toEqual({
    at: attributes.SCHEDULED_TIME,
    try: 1,
    arn: arnOf(schedules.forbidden),
  });
  expect(attributes).toMatchObject({
    ERROR_CODE: 'AccessDeniedException',
    ERROR_MESSAGE: expect.stringContaining(
      `NoScheduleRole/local is not authorized to perform: lambda:InvokeFunction on resource: ${arns.worker}`,
    ),
    EXECUTION_ID: expect.stringMatching(/^[0-9a-f]{16}$/),
    IS_PAYLOAD_TRUNCATED: 'false',
    RETRY_ATTEMPTS: '0',
    SCHEDULE_ARN: arnOf(schedules.forbidden),
    TARGET_ARN: arns.worker,
  });
  expect(cloud.stats().denied).toBe(denied + 1);
  expect(cloud.stats().scheduler).toMatchObject({ deadLettered: 1, dropped: 0 });
});

it('what is throttled is tried again as often as the schedule says, then it is a dead letter', async () => {
  const before = cloud.stats().scheduler;
  cloud.faults.add({ service: 'lambda', operation: 'Invoke', caller: 'ScheduleRole', kind: 'throttling' });
  cloud.fireSchedule(schedules.daily);
  const { attributes } = await receiveOne(operator, cloud.endpoint, names.deadLetters);
  expect(attributes).toMatchObject({
    ERROR_CODE: 'THROTTLING',
    EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts',
    RETRY_ATTEMPTS: '2',
  });
  const { failed, retried } = cloud.stats().scheduler;
  expect([failed - before.failed, retried - before.retried]).toEqual([3, 2]);
});

it('a schedule that the template does not have', () => {
  expect(() => cloud.fireSchedule('other')).toThrowError('the template has no schedule other');
});
