import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServiceError } from '../../sandbox/cloud/aws-errors.ts';
import { type LocalCloud, startCloud } from '../../sandbox/cloud/cloud.ts';
import { Sns } from '../../sandbox/cloud/sns.ts';
import { StatsCollector } from '../../sandbox/cloud/stats.ts';
import {
  fixtureTemplate,
  STACK,
  type Template,
  temporaryFolder,
  writeAssembly,
} from '../helpers/cloud-fixture.ts';
import { engineIsHere } from '../helpers/dynamo-engine.ts';

const arn = 'arn:aws:sns:eu-west-1:000000000000:fixture-alerts';
const folder = mkdtempSync(path.join(tmpdir(), 'evenkeel-sns-'));
afterAll(() => rmSync(folder, { recursive: true }));

function withTopic(change: (template: Template) => void = () => undefined): Template {
  const template = fixtureTemplate();
  const topic = { Ref: 'Topic' };
  template.Resources.Topic = {
    Type: 'AWS::SNS::Topic',
    Properties: { TopicName: 'fixture-alerts', DisplayName: 'Fixture' },
  };
  template.Resources.TopicPolicy = {
    Type: 'AWS::SNS::TopicPolicy',
    Properties: {
      PolicyDocument: {
        Statement: [
          {
            Action: 'sns:Publish',
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            Effect: 'Deny',
            Principal: '*',
            Resource: topic,
          },
        ],
      },
      Topics: [topic],
    },
  };
  template.Resources.Subscription = {
    Type: 'AWS::SNS::Subscription',
    Properties: { Protocol: 'email', Endpoint: 'desk@example.com', TopicArn: topic },
  };
  template.Resources.TeamRole = structuredClone(template.Resources.WorkerRole);
  template.Resources.TeamRole.Properties.Policies = [
    {
      PolicyName: 'own',
      PolicyDocument: { Statement: [{ Action: 'sns:Publish', Effect: 'Allow', Resource: topic }] },
    },
  ];
  change(template);
  return template;
}

describe.skipIf(!engineIsHere)('SNS in the local cloud', () => {
  const place = temporaryFolder();
  let cloud: LocalCloud;

  beforeAll(async () => {
    cloud = await startCloud({
      assembly: writeAssembly(place.folder, withTopic()),
      stack: STACK,
      dataDir: `${place.folder}/data`,
    });
  });
  afterAll(async () => {
    await cloud?.stop();
    place.remove();
  });

  const clientOf = (accessKeyId: string): SNSClient =>
    new SNSClient({
      endpoint: cloud.endpoint,
      region: 'eu-west-1',
      maxAttempts: 1,
      credentials: { accessKeyId, secretAccessKey: 'local' },
    });
  const publish = (who: string, input: object = {}) =>
    clientOf(who).send(
      new PublishCommand({ TopicArn: arn, Subject: 'A subject', Message: 'ü & <text>', ...input }),
    );

  it('what a role publishes that may is written with who would get it, and shown', async () => {
    const { MessageId } = await publish('TeamRole');
    const lines = readFileSync(`${place.folder}/data/sns/fixture-alerts.ndjson`, 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { messageId: MessageId, to: ['desk@example.com'], subject: 'A subject', message: 'ü & <text>' },
    ]);
    expect(cloud.stats().notifications).toEqual({ published: 1, last: 'A subject' });
  });

  it('AccessDenied: a role without sns:Publish, and one for another topic', async () => {
    await expect(publish('WorkerRole')).rejects.toMatchObject({
      name: expect.stringMatching(/^(AuthorizationError|AccessDenied)/),
      $metadata: { httpStatusCode: 403 },
    });
    await expect(publish('TeamRole', { TopicArn: `${arn}2` })).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
    expect(cloud.stats().notifications.published).toBe(1);
  });

  it('a topic that does not exist is not found', async () => {
    await expect(publish('operator', { TopicArn: `${arn}2` })).rejects.toMatchObject({
      name: 'NotFoundException',
      $metadata: { httpStatusCode: 404 },
    });
  });
});

describe('what SNS takes', () => {
  const sns = new Sns(
    [{ name: 'fixture-alerts', arn, subscriptions: [] }],
    folder,
    new StatsCollector(() => undefined),
  );
  const publish = (fields: Record<string, string>): string =>
    sns.publish(
      new URLSearchParams({
        Action: 'Publish',
        Version: '2010-03-31',
        TopicArn: arn,
        Message: 'm',
        ...fields,
      }),
      'r',
    );
  const refused = (fields: Record<string, string>): [string, number] => {
    try {
      publish(fields);
    } catch (error) {
      if (error instanceof ServiceError) return [error.type, error.status];
    }
    return ['taken', 200];
  };

  it.each([
    [{ Subject: 'a'.repeat(99) }, 'taken'],
    [{ Message: 'm'.repeat(262_144) }, 'taken'],
    [{ Subject: '[paper] punctuation may come first' }, 'taken'],
    [{ Subject: 'a'.repeat(100) }, 'InvalidParameter'],
    [{ Subject: 'two\nlines' }, 'InvalidParameter'],
    [{ Subject: 'Größe' }, 'InvalidParameter'],
    [{ Subject: ' space' }, 'InvalidParameter'],
    [{ Message: '' }, 'InvalidParameter'],
    [{ Message: 'm'.repeat(262_145) }, 'InvalidParameter'],
    [{ TopicArn: 'fixture-alerts' }, 'InvalidParameter'],
    [{ TopicArn: `${arn}2` }, 'NotFound'],
    [{ PhoneNumber: '+1' }, 'NotImplemented'],
    [{ MessageStructure: 'json' }, 'NotImplemented'],
  ])('%j: %s', (fields, answer) => {
    expect(refused(fields as Record<string, string>)[0]).toBe(answer);
  });
});

describe('topics of a template', () => {
  it.each([
    [
      'a subscription that is no e-mail',
      (t: Template) => {
        t.Resources.Subscription.Properties.Protocol = 'lambda';
      },
      'the subscription protocol lambda',
    ],
    [
      'a FIFO topic',
      (t: Template) => {
        t.Resources.Topic.Properties.FifoTopic = true;
      },
      'FifoTopic',
    ],
    [
      'a policy of no topic',
      (t: Template) => {
        t.Resources.TopicPolicy.Properties.Topics = ['arn:other'];
      },
      'arn:other',
    ],
  ])('%s stops the start', async (_, change, words) => {
    const { folder: place, remove } = temporaryFolder();
    const assembly = writeAssembly(place, withTopic(change));
    await expect(startCloud({ assembly, stack: STACK, dataDir: `${place}/data` })).rejects.toThrow(words);
    remove();
  });
});
