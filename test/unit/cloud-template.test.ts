import { afterEach, describe, expect, it } from 'vitest';
import { loadAssembly } from '../../sandbox/cloud/assembly.ts';
import type { CloudModel } from '../../sandbox/cloud/model.ts';
import { compileInput } from '../../sandbox/cloud/target-input.ts';
import { readTemplate } from '../../sandbox/cloud/template.ts';
import {
  arns,
  fixtureTemplate,
  names,
  STACK,
  type Template,
  temporaryFolder,
  writeAssembly,
} from '../helpers/cloud-fixture.ts';

const { folder, remove } = temporaryFolder();
afterEach(remove);

const ENDPOINT = 'http://127.0.0.1:4566';

async function read(change: (template: Template) => void = () => undefined): Promise<CloudModel> {
  const template = fixtureTemplate();
  change(template);
  return readTemplate(await loadAssembly(writeAssembly(folder, template), STACK), ENDPOINT);
}

describe('the template', () => {
  it('gives tables, queues, rules, functions and roles with every reference resolved', async () => {
    const model = await read();
    expect(model.tables).toMatchObject([{ name: names.table, ttlAttribute: 'expiresAt' }]);
    expect(model.queues.map((q) => q.name)).toEqual([names.deadLetters, names.inbox, names.jobs]);
    expect(JSON.parse(model.queues[2]?.attributes.RedrivePolicy ?? '')).toEqual({
      deadLetterTargetArn: arns.deadLetters,
      maxReceiveCount: 2,
    });
    const bus = model.buses.find((b) => b.name === names.bus);
    expect(bus?.rules[0]).toMatchObject({
      arn: arns.rule,
      targets: [
        {
          arn: arns.worker,
          kind: 'lambda',
          retry: { attemptsMax: 3, ageSecondsMax: 3_600 },
          deadLetterArn: arns.deadLetters,
        },
      ],
    });
    expect(model.functions[0]).toMatchObject({
      environment: { TABLE: names.table, QUEUE_URL: `${ENDPOINT}/000000000000/${names.jobs}` },
      role: { logicalId: 'WorkerRole' },
      timeoutSeconds: 1,
      memoryMb: 128,
      asynchronous: { attemptsMax: 1, ageSecondsMax: 21_600 },
      deadLetterArn: arns.deadLetters,
    });
    expect(model.mappings).toMatchObject([
      { functionArn: arns.worker, batchSize: 5, reportsItemFailures: true },
    ]);
    expect(model.containers).toMatchObject([
      { name: 'streamer', environment: { EVENT_BUS_NAME: names.bus }, taskRole: { logicalId: 'TaskRole' } },
    ]);
  });

  it('leaves out a disabled rule and a resource whose condition is false', async () => {
    const model = await read((t) => {
      t.Resources.Rule.Properties.State = 'DISABLED';
      t.Conditions = { Never: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'us-east-1'] } };
      t.Resources.InboxPolicy.Condition = 'Never';
    });
    expect(model.buses.flatMap((b) => b.rules.map((r) => r.logicalId))).toEqual(['QueueRule']);
    expect([...model.resourcePolicies.keys()]).not.toContain(
      `arn:aws:sqs:eu-west-1:000000000000:${names.inbox}`,
    );
  });

  it.each([
    ['Fn::Join', { 'Fn::Join': ['-', ['a', { Ref: 'AWS::Region' }]] }, 'a-eu-west-1'],
    [
      'Fn::Sub',
      { 'Fn::Sub': `\${Bus}/\${Worker.Arn}/\${!literal}` },
      `${names.bus}/${arns.worker}/\${literal}`,
    ],
    [
      'Fn::Sub with variables',
      { 'Fn::Sub': [`\${x}-\${AWS::AccountId}`, { x: { Ref: 'Bus' } }] },
      `${names.bus}-000000000000`,
    ],
    ['Fn::Select and Fn::Split', { 'Fn::Select': [1, { 'Fn::Split': ['-', 'a-b-c'] }] }, 'b'],
    ['Fn::If', { 'Fn::If': ['Yes', 'one', 'two'] }, 'one'],
    ['Fn::FindInMap', { 'Fn::FindInMap': ['Map', 'a', 'b'] }, 'found'],
    ['Fn::Base64', { 'Fn::Base64': 'text' }, 'dGV4dA=='],
    ['a parameter with a default', { Ref: 'Size' }, 'small'],
    ['AWS::StackName', { Ref: 'AWS::StackName' }, STACK],
    [
      'the attribute of a type without local meaning',
      { 'Fn::GetAtt': ['Vpc', 'Arn'] },
      'arn:aws:ec2:eu-west-1:000000000000:Vpc',
    ],
  ])('resolves %s', async (_what, value, expected) => {
    const model = await read((t) => {
      t.Conditions = {
        Yes: { 'Fn::Not': [{ 'Fn::Or': [{ 'Fn::Equals': ['a', 'b'] }, { Condition: 'No' }] }] },
        No: { 'Fn::Equals': [1, 2] },
      };
      t.Mappings = { Map: { a: { b: 'found' } } };
      t.Parameters.Size = { Type: 'String', Default: 'small' };
      t.Resources.Worker.Properties.Environment.Variables.VALUE = value;
    });
    expect(model.functions[0]?.environment.VALUE).toBe(expected);
  });

  it('AWS::NoValue leaves the property out', async () => {
    const model = await read((t) => {
      t.Resources.Worker.Properties.DeadLetterConfig = { Ref: 'AWS::NoValue' };
    });
    expect(model.functions[0]?.deadLetterArn).toBeUndefined();
  });

  const worker = (t: Template): Template => t.Resources.Worker.Properties;
  it.each<[string, (t: Template) => void, string, string]>([
    [
      'an unknown resource type',
      (t) => (t.Resources.X = { Type: 'AWS::Kinesis::Stream' }),
      'TEMPLATE_UNSUPPORTED',
      'AWS::Kinesis::Stream at X',
    ],
    [
      'a topic, which comes later',
      (t) => (t.Resources.X = { Type: 'AWS::Kinesis::Stream' }),
      'TEMPLATE_UNSUPPORTED',
      'AWS::Kinesis::Stream',
    ],
    [
      'a bucket that tells somebody',
      (t) =>
        (t.Resources.X = {
          Type: 'AWS::S3::Bucket',
          Properties: { NotificationConfiguration: { EventBridgeConfiguration: {} } },
        }),
      'TEMPLATE_UNSUPPORTED',
      'NotificationConfiguration',
    ],
    [
      'a name that no bucket can have',
      (t) => (t.Resources.X = { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'Big_Letters' } }),
      'TEMPLATE_INVALID',
      'Big_Letters is no name of a bucket',
    ],
    [
      'a retention without Object Lock',
      (t) =>
        (t.Resources.X = {
          Type: 'AWS::S3::Bucket',
          Properties: { ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled' } },
        }),
      'TEMPLATE_INVALID',
      'needs ObjectLockEnabled',
    ],
    [
      'a FIFO queue with the name of another',
      (t) => (t.Resources.Inbox.Properties.FifoQueue = true),
      'TEMPLATE_INVALID',
      'ends with .fifo',
    ],
    [
      'a FIFO queue with dead letters in a standard one',
      (t) => {
        t.Resources.Jobs.Properties.QueueName = 'jobs.fifo';
        t.Resources.Jobs.Properties.FifoQueue = true;
      },
      'TEMPLATE_INVALID',
      'the dead-letter queue of a FIFO queue is a FIFO queue',
    ],
    [
      'a queue whose messages come back while the function still has them',
      (t) => (worker(t).Timeout = 60),
      'TEMPLATE_INVALID',
      'is less than the time-out of the function (60 s)',
    ],
    [
      'a custom resource',
      (t) => (t.Resources.X = { Type: 'Custom::Thing' }),
      'TEMPLATE_UNSUPPORTED',
      'Custom::Thing',
    ],
    [
      'an unknown property of an emulated type',
      (t) => (worker(t).VpcConfig = {}),
      'TEMPLATE_UNSUPPORTED',
      'the property VpcConfig',
    ],
    [
      'an unknown target property',
      (t) => (t.Resources.Rule.Properties.Targets[0].RoleArn = 'x'),
      'TEMPLATE_UNSUPPORTED',
      'the target property RoleArn',
    ],
    [
      'an unknown intrinsic',
      (t) => (worker(t).Description = { 'Fn::Length': [] }),
      'TEMPLATE_UNSUPPORTED',
      'Fn::Length',
    ],
    [
      'an unknown intrinsic in a type without local meaning',
      (t) => (t.Resources.Vpc.Properties.CidrBlock = { 'Fn::New': 1 }),
      'TEMPLATE_UNSUPPORTED',
      'Fn::New',
    ],
    [
      'an unknown pseudo parameter',
      (t) => (worker(t).Description = { Ref: 'AWS::Something' }),
      'TEMPLATE_UNSUPPORTED',
      'AWS::Something',
    ],
    [
      'an unknown attribute',
      (t) => (worker(t).Description = { 'Fn::GetAtt': ['Things', 'StreamArn'] }),
      'TEMPLATE_UNSUPPORTED',
      'StreamArn',
    ],
    [
      'a value from the parameter store',
      (t) => (worker(t).Description = { Ref: 'BootstrapVersion' }),
      'TEMPLATE_UNSUPPORTED',
      'SSM',
    ],
    [
      'a dynamic reference',
      (t) => (worker(t).Environment.Variables.X = '{{resolve:ssm:x}}'),
      'TEMPLATE_UNSUPPORTED',
      'dynamic reference',
    ],
    ['an unknown section', (t) => (t.Transform = 'AWS::Serverless'), 'TEMPLATE_UNSUPPORTED', 'Transform'],
    ['an unknown runtime', (t) => (worker(t).Runtime = 'python3.13'), 'TEMPLATE_UNSUPPORTED', 'python3.13'],
    [
      'an unknown managed policy',
      (t) =>
        (t.Resources.WorkerRole.Properties.ManagedPolicyArns = [
          'arn:aws:iam::aws:policy/AdministratorAccess',
        ]),
      'TEMPLATE_UNSUPPORTED',
      'AdministratorAccess',
    ],
    [
      'an unknown pattern operator',
      (t) => (t.Resources.Rule.Properties.EventPattern.source = [{ regex: 'x' }]),
      'PATTERN_UNSUPPORTED',
      'Rule.EventPattern.source[0].regex',
    ],
    [
      'a reference to nothing',
      (t) => (worker(t).Environment.Variables.X = { Ref: 'Gone' }),
      'TEMPLATE_INVALID',
      'no resource or parameter Gone',
    ],
    [
      'a target that is not in the template',
      (t) =>
        (t.Resources.Rule.Properties.Targets[0].Arn = 'arn:aws:lambda:eu-west-1:000000000000:function:x'),
      'TEMPLATE_INVALID',
      'function:x is no',
    ],
    [
      'a rule on a bus that does not exist',
      (t) => (t.Resources.Rule.Properties.EventBusName = 'other'),
      'TEMPLATE_INVALID',
      'no bus other',
    ],
    [
      'a role that Lambda may not assume',
      (t) => (worker(t).Role = { 'Fn::GetAtt': ['TaskRole', 'Arn'] }),
      'TEMPLATE_INVALID',
      'does not trust lambda',
    ],
    [
      'code that is not in the asset manifest',
      (t) => (worker(t).Code.S3Key = 'zzz.zip'),
      'TEMPLATE_INVALID',
      'zzz.zip',
    ],
    [
      'a condition that refers to itself',
      (t) => {
        t.Conditions = { A: { 'Fn::Not': [{ Condition: 'A' }] } };
        t.Resources.Bus.Condition = 'A';
      },
      'TEMPLATE_INVALID',
      'refers to itself',
    ],
  ])('refuses %s', async (_what, change, code, message) => {
    const reading = read(change);
    await expect(reading).rejects.toMatchObject({ code });
    await expect(reading).rejects.toThrow(message);
  });

  it('names the stacks that are there when the wanted one is not', async () => {
    const assembly = writeAssembly(folder, fixtureTemplate());
    await expect(loadAssembly(assembly, 'evenkeel-live')).rejects.toThrow(
      `holds no stack evenkeel-live; it holds: ${STACK}`,
    );
  });

  it('says what to do when nothing was synthesised', async () => {
    await expect(loadAssembly(`${folder}/nowhere`, STACK)).rejects.toThrow('npm run synth');
  });
});

describe('what a target receives', () => {
  const event = { source: 's', detail: { name: 'a "quoted" name', n: 5, inner: { x: [1] } } };
  const input = (target: Record<string, unknown>): string => compileInput(target, 'test')(event);

  it.each([
    ['the whole event', {}, JSON.stringify(event)],
    ['a fixed input', { Input: '{"a":1}' }, '{"a":1}'],
    ['a part of the event', { InputPath: '$.detail.inner' }, '{"x":[1]}'],
    ['a part that is not there', { InputPath: '$.detail.other' }, '{}'],
  ])('%s', (_what, target, expected) => {
    expect(input(target)).toBe(expected);
  });

  it('a transformed input: text inside quotes, numbers and objects as JSON', () => {
    const transformer = {
      InputPathsMap: { name: '$.detail.name', n: '$.detail.n', inner: '$.detail.inner' },
      InputTemplate: '{"say":"hello <name>","n":<n>,"inner":<inner>,"plain":<name>}',
    };
    expect(JSON.parse(input({ InputTransformer: transformer }))).toEqual({
      say: 'hello a "quoted" name',
      n: 5,
      inner: { x: [1] },
      plain: 'a "quoted" name',
    });
  });

  it.each([
    ['a path with a filter', { InputPath: '$.detail[?(@.x)]' }, 'the JSON path'],
    [
      'a predefined variable',
      { InputTransformer: { InputTemplate: '<aws.events.rule-arn>' } },
      'aws.events.rule-arn',
    ],
  ])('refuses %s', (_what, target, message) => {
    expect(() => compileInput(target, 'test')).toThrowError(message);
  });
});
