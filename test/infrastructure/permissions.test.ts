import { describe, expect, it } from 'vitest';
import { stages } from '../../lib/events/stage.ts';
import { firstOf, namedOf, ofType, stageTemplates } from '../helpers/stage-template.ts';
import { type Statement, statementsOf } from '../helpers/template-parts.ts';

const templates = await stageTemplates();

describe('permissions', () => {
  /** Every `*` or `?` in an Allow statement of a role: what is allowed, on what, and the reason that it is there. */
  const wildcards: readonly (readonly [actions: string, resource: RegExp, reason: string])[] = [
    ['ecr:GetAuthorizationToken', /^"\*"$/, 'has no resource of its own: IAM accepts only *'],
    ['dynamodb:ListTables', /^"\*"$/, 'has no resource of its own: IAM accepts only *'],
    [
      'secretsmanager:DescribeSecret,secretsmanager:GetSecretValue',
      /:secret:evenkeel-[a-z]+-gateway-main-\?{6}"/,
      'six characters that Secrets Manager puts after the name of one secret',
    ],
    [
      's3:GetObject,s3:PutObject',
      /Snapshots\w+","Arn"\]\},"\/snapshots\/D?U1234567\/\*"/,
      'each snapshot is an object of its own, in the folder of one account',
    ],
    [
      's3:PutObject,s3:PutObjectTagging',
      /Backups\w+","Arn"\]\},"\/(parts|manifests)\/\*"/,
      'parts and manifests of backups are objects of their own',
    ],
    [
      's3:GetObject',
      /"Arn"\]\},"\/(parts|manifests|snapshots)\/\*"/,
      'the drill reads backups and snapshots; the backup reads the manifests before it; reconcile its snapshot',
    ],
    [
      's3:GetObject,s3:PutObject',
      /Reconcile\w+","Arn"\]\},"\/(runs|latest)\/\*"/,
      'the evidence of each run and the newest plan of each account are objects of their own',
    ],
    [
      's3:PutObject',
      /Backups\w+","Arn"\]\},"\/drills\/\*"/,
      'each report of a drill is an object of its own',
    ],
    [
      's3:GetObject,s3:PutObject',
      /Archive\w+","Arn"\]\},"\/(candles|positions|days)\/\*"/,
      'each symbol and day of the archive is an object of its own',
    ],
    [
      'dynamodb:BatchWriteItem,dynamodb:ConditionCheckItem,dynamodb:CreateTable,dynamodb:DeleteItem,dynamodb:DeleteTable,dynamodb:DescribeTable,dynamodb:GetItem,dynamodb:PutItem,dynamodb:Query,dynamodb:Scan',
      /:table\/evenkeel-[a-z]+-drill-\*"/,
      'tables of a drill are made, filled and removed by it; no other table has such a name',
    ],
  ];

  const statements = (stage: (typeof stages)[number]): Statement[] =>
    ofType(templates[stage], 'AWS::IAM::Policy').flatMap(
      ([, { Properties }]) => (Properties.PolicyDocument as { Statement: Statement[] }).Statement,
    );

  it.each(stages)('of stage %s have no wildcard beyond the listed ones', (stage) => {
    const found = statements(stage)
      .filter(({ Action, Resource }) => /[*?]/.test(JSON.stringify([Action, Resource])))
      .flatMap(({ Action, Resource }) =>
        [Resource].flat().map((one) => ({ actions: [Action].flat().join(), resource: JSON.stringify(one) })),
      );
    const reasonOf = (one: (typeof found)[number]) =>
      wildcards.find(([actions, resource]) => actions === one.actions && resource.test(one.resource));
    expect(found.filter((one) => reasonOf(one) === undefined)).toEqual([]);
    // None is listed that is not there any more.
    expect(wildcards.filter((listed) => !found.some((one) => reasonOf(one) === listed))).toEqual([]);
    expect(found.filter(({ actions }) => /[*?]/.test(actions))).toEqual([]);
  });

  it('come from no managed policy', () => {
    for (const stage of stages) {
      for (const [id, { Properties }] of ofType(templates[stage], 'AWS::IAM::Role')) {
        expect([id, Properties.ManagedPolicyArns]).toEqual([id, undefined]);
      }
    }
  });

  const roleOf = (resource: readonly [string, { readonly Properties: Readonly<Record<string, unknown>> }]) =>
    (resource[1].Properties.Role ?? resource[1].Properties.TaskRoleArn) as { 'Fn::GetAtt': [string, string] };

  it('let the streamer send events, take its commands, hold its lease, record orders and store snapshots, and nothing else', () => {
    const made = templates.paper;
    const arn = (type: string, name: string) => ({ 'Fn::GetAtt': [namedOf(made, type, name)[0], 'Arn'] });
    const role = roleOf(firstOf(made, 'AWS::ECS::TaskDefinition'));
    expect(statementsOf(made, role['Fn::GetAtt'][0])).toEqual([
      {
        Effect: 'Allow',
        Action: 'events:PutEvents',
        Resource: arn('AWS::Events::EventBus', 'evenkeel-paper'),
      },
      {
        Effect: 'Allow',
        Action: 'sqs:SendMessage',
        Resource: arn('AWS::SQS::Queue', 'evenkeel-paper-book.fifo'),
      },
      {
        Effect: 'Allow',
        Action: ['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage', 'sqs:ReceiveMessage'],
        Resource: arn('AWS::SQS::Queue', 'evenkeel-paper-orders-main.fifo'),
      },
      {
        Effect: 'Allow',
        Action: ['dynamodb:ConditionCheckItem', 'dynamodb:GetItem', 'dynamodb:PutItem'],
        Resource: [
          arn('AWS::DynamoDB::Table', 'evenkeel-paper-control'),
          arn('AWS::DynamoDB::Table', 'evenkeel-paper-book'),
        ],
      },
      {
        Effect: 'Allow',
        Action: 'dynamodb:PutItem',
        Resource: arn('AWS::DynamoDB::Table', 'evenkeel-paper-audit'),
      },
      {
        Effect: 'Allow',
        Action: ['s3:GetObject', 's3:PutObject'],
        Resource: {
          'Fn::Join': [
            '',
            [
              { 'Fn::GetAtt': [expect.stringMatching(/^Snapshots/) as string, 'Arn'] },
              '/snapshots/DU1234567/*',
            ],
          ],
        },
      },
    ]);
  });

  it('let the candle keeper put items into its table, write its log and its dead letters, and nothing else', () => {
    const made = templates.paper;
    const role = roleOf(namedOf(made, 'AWS::Lambda::Function', 'evenkeel-paper-candle-keeper'));
    const allowed = statementsOf(made, role['Fn::GetAtt'][0]);
    expect(allowed.flatMap(({ Action }) => Action)).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'dynamodb:PutItem',
      'sqs:SendMessage',
    ]);
  });

  it('let nobody delete a backup or end its lock before its time', () => {
    for (const stage of stages) {
      const actions = statements(stage).flatMap(({ Action }) => [Action].flat());
      expect(
        actions.filter((action) => /^s3:(Delete|BypassGovernance|PutObjectRetention|PutBucket)/.test(action)),
      ).toEqual([]);
    }
  });

  it('let nobody change or delete a row of the audit trail, and only writers of the book add one', () => {
    for (const stage of stages) {
      const made = templates[stage];
      const audit = namedOf(made, 'AWS::DynamoDB::Table', `evenkeel-${stage}-audit`)[0];
      const onAudit = ofType(made, 'AWS::IAM::Policy').flatMap(([, { Properties }]) =>
        (Properties.PolicyDocument as { Statement: Statement[] }).Statement.filter(({ Resource }) =>
          JSON.stringify(Resource).includes(`"${audit}"`),
        ).map(({ Action }) => ({ roles: JSON.stringify(Properties.Roles), actions: [Action].flat() })),
      );
      const readers = ['dynamodb:Query', 'dynamodb:Scan'];
      const writers = onAudit
        .map(({ roles, actions }) => ({ roles, writes: actions.filter((one) => !readers.includes(one)) }))
        .filter(({ writes }) => writes.length > 0);
      expect(writers.map(({ writes }) => writes)).toEqual(writers.map(() => ['dynamodb:PutItem']));
      const roles = writers.map((one) => /"(Book|Streamer|Reconcile[A-Z][a-z]+)/.exec(one.roles)?.[1]);
      expect(new Set(roles)).toEqual(new Set(['Book', 'ReconcileApply', 'ReconcileRun', 'Streamer']));
    }
  });
});
