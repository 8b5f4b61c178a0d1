import { fixtureTemplate, type Template } from './cloud-fixture.ts';

/** Names of the buckets of `bucketsTemplate`. */
export const plain = 'fixture-plain';
export const versioned = 'fixture-versioned';
export const locked = 'fixture-locked';

const getArn = (logicalId: string): unknown => ({ 'Fn::GetAtt': [logicalId, 'Arn'] });
const below = (logicalId: string, path: string): unknown => ({
  'Fn::Join': ['', [getArn(logicalId), path]],
});

const role = (...statements: unknown[]): unknown => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {
      Statement: [
        { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' } },
      ],
    },
    Policies: [{ PolicyName: 'own', PolicyDocument: { Statement: statements } }],
  },
});

/** Three buckets, of the shape that CDK emits, a role that writes and one that reads. Nothing else. */
export function bucketsTemplate(): Template {
  return {
    Resources: {
      Plain: { Type: 'AWS::S3::Bucket', Properties: { BucketName: plain } },
      Versioned: {
        Type: 'AWS::S3::Bucket',
        Properties: {
          BucketName: versioned,
          BucketEncryption: {
            ServerSideEncryptionConfiguration: [
              { ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } },
            ],
          },
          PublicAccessBlockConfiguration: { BlockPublicAcls: true },
          VersioningConfiguration: { Status: 'Enabled' },
        },
      },
      VersionedPolicy: {
        Type: 'AWS::S3::BucketPolicy',
        Properties: {
          Bucket: { Ref: 'Versioned' },
          PolicyDocument: {
            Statement: [
              {
                Action: 's3:*',
                Condition: { Bool: { 'aws:SecureTransport': 'false' } },
                Effect: 'Deny',
                Principal: { AWS: '*' },
                Resource: [getArn('Versioned'), below('Versioned', '/*')],
              },
              {
                Action: 's3:*',
                Condition: { NumericLessThan: { 's3:TlsVersion': 1.2 } },
                Effect: 'Deny',
                Principal: { AWS: '*' },
                Resource: [getArn('Versioned'), below('Versioned', '/*')],
              },
              {
                Action: 's3:PutObject',
                Effect: 'Deny',
                Principal: { AWS: '*' },
                Resource: below('Versioned', '/*/forbidden'),
              },
            ],
          },
        },
      },
      Locked: {
        Type: 'AWS::S3::Bucket',
        Properties: {
          BucketName: locked,
          ObjectLockEnabled: true,
          ObjectLockConfiguration: {
            ObjectLockEnabled: 'Enabled',
            Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } },
          },
        },
      },
      WriterRole: role({
        Action: 's3:PutObject',
        Effect: 'Allow',
        Resource: below('Versioned', '/snapshots/DU1/*'),
      }),
      ReaderRole: role(
        { Action: 's3:GetObject', Effect: 'Allow', Resource: below('Versioned', '/snapshots/*') },
        {
          Action: 's3:ListBucket',
          Condition: { StringLike: { 's3:prefix': 'a/*' } },
          Effect: 'Allow',
          Resource: getArn('Plain'),
        },
      ),
    },
  };
}

export const fifo = {
  queue: 'fixture-book.fifo',
  deadLetters: 'fixture-book-dlq.fifo',
  commands: 'fixture-orders.fifo',
  byGroup: 'fixture-groups.fifo',
};

/** The fixture with FIFO queues: one that its function polls, its dead letters, and two that nobody polls. */
export function fifoTemplate(): Template {
  const template = fixtureTemplate();
  const queue = (QueueName: string, more: Record<string, unknown> = {}): unknown => ({
    Type: 'AWS::SQS::Queue',
    Properties: { QueueName, FifoQueue: true, ...more },
  });
  const { Resources } = template;
  Resources.BookDeadLetters = queue(fifo.deadLetters);
  Resources.Book = queue(fifo.queue, {
    // A failed batch comes again after 10 s of AWS, which are 0.2 s here.
    VisibilityTimeout: 10,
    RedrivePolicy: { deadLetterTargetArn: getArn('BookDeadLetters'), maxReceiveCount: 3 },
  });
  Resources.Commands = queue(fifo.commands, { ContentBasedDeduplication: true, VisibilityTimeout: 1 });
  Resources.ByGroup = queue(fifo.byGroup, {
    DeduplicationScope: 'messageGroup',
    FifoThroughputLimit: 'perMessageGroupId',
  });
  Resources.BookMapping = {
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: {
      EventSourceArn: getArn('Book'),
      FunctionName: { Ref: 'Worker' },
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 20 },
    },
  };
  Resources.WorkerPolicy.Properties.PolicyDocument.Statement.push({
    Action: 'dynamodb:UpdateItem',
    Effect: 'Allow',
    Resource: getArn('Things'),
  });
  Resources.WorkerPolicy.Properties.PolicyDocument.Statement.push({
    Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
    Effect: 'Allow',
    Resource: getArn('Book'),
  });
  Resources.WorkerLogs = {
    Type: 'AWS::Logs::LogGroup',
    Properties: { LogGroupName: '/fixture/worker', RetentionInDays: 30 },
  };
  Resources.Worker.Properties.LoggingConfig = { LogGroup: { Ref: 'WorkerLogs' } };
  return template;
}

export const schedules = { daily: 'fixture-daily', queued: 'fixture-queued', forbidden: 'fixture-forbidden' };

/** The fixture with schedules: of the function, of a queue, and one whose role may only write dead letters. */
export function schedulesTemplate(): Template {
  const template = fixtureTemplate();
  const { Resources } = template;
  const schedulerRole = (...statements: unknown[]): unknown => ({
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Action: 'sts:AssumeRole',
            Condition: { StringEquals: { 'aws:SourceArn': getArn('Jobsheet') } },
            Effect: 'Allow',
            Principal: { Service: 'scheduler.amazonaws.com' },
          },
        ],
      },
      Policies: [{ PolicyName: 'own', PolicyDocument: { Statement: statements } }],
    },
  });
  const deadLetters = { Action: 'sqs:SendMessage', Effect: 'Allow', Resource: getArn('DeadLetters') };
  const schedule = (Name: string, expression: string, target: string, more: object): unknown => ({
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      Name,
      Description: 'by the clock',
      GroupName: { Ref: 'Jobsheet' },
      FlexibleTimeWindow: { Mode: 'OFF' },
      ScheduleExpression: expression,
      ScheduleExpressionTimezone: 'UTC',
      State: 'ENABLED',
      Target: {
        Arn: getArn(target),
        RoleArn: getArn('ScheduleRole'),
        RetryPolicy: { MaximumEventAgeInSeconds: 3_600, MaximumRetryAttempts: 2 },
        DeadLetterConfig: { Arn: getArn('DeadLetters') },
        ...more,
      },
    },
  });
  Resources.Jobsheet = { Type: 'AWS::Scheduler::ScheduleGroup', Properties: { Name: 'fixture-jobs' } };
  Resources.ScheduleRole = schedulerRole(deadLetters, {
    Action: ['lambda:InvokeFunction', 'sqs:SendMessage'],
    Effect: 'Allow',
    Resource: [getArn('Worker'), getArn('Inbox')],
  });
  Resources.NoScheduleRole = schedulerRole(deadLetters);
  Resources.Daily = schedule(schedules.daily, 'cron(15 3 * * ? *)', 'Worker', {
    Input: '{"do":"put","pk":"<aws.scheduler.execution-id>"}',
  });
  Resources.Queued = schedule(schedules.queued, 'rate(12 hours)', 'Inbox', { SqsParameters: {} });
  Resources.Forbidden = schedule(schedules.forbidden, 'at(2099-01-01T00:00:00)', 'Worker', {
    RoleArn: getArn('NoScheduleRole'),
    Input:
      '{"at":"<aws.scheduler.scheduled-time>","try":<aws.scheduler.attempt-number>,"arn":"<aws.scheduler.schedule-arn>"}',
  });
  return template;
}

const scratchArn = (table: string): unknown => ({
  'Fn::Join': [
    '',
    ['arn:aws:dynamodb:', { Ref: 'AWS::Region' }, ':', { Ref: 'AWS::AccountId' }, `:table/${table}`],
  ],
});

/** Two tables with policies of their own, and a role that may do everything on both. */
export function tablesTemplate(): Template {
  const table = (TableName: string, more: Record<string, unknown>): unknown => ({
    Type: 'AWS::DynamoDB::Table',
    Properties: {
      TableName,
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      AttributeDefinitions: ['pk', 'order'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-order',
          KeySchema: [{ AttributeName: 'order', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
      BillingMode: 'PAY_PER_REQUEST',
      ...more,
    },
  });
  return {
    Resources: {
      Book: table('fixture-book', {}),
      Audit: table('fixture-audit', {
        ResourcePolicy: {
          PolicyDocument: {
            Statement: [
              {
                Action: ['dynamodb:DeleteItem', 'dynamodb:UpdateItem'],
                Effect: 'Deny',
                Principal: '*',
                Resource: '*',
              },
            ],
          },
        },
      }),
      AnyRole: role({ Action: 'dynamodb:*', Effect: 'Allow', Resource: '*' }),
      // Makes, fills and removes tables of its own, which the template does not have.
      DrillRole: role(
        {
          Action: [
            'dynamodb:CreateTable',
            'dynamodb:DeleteTable',
            'dynamodb:DescribeTable',
            'dynamodb:BatchWriteItem',
            'dynamodb:PutItem',
            'dynamodb:ConditionCheckItem',
            'dynamodb:Scan',
          ],
          Effect: 'Allow',
          Resource: scratchArn('fixture-drill-*'),
        },
        { Action: 'dynamodb:Query', Effect: 'Allow', Resource: scratchArn('fixture-drill-*/index/by-order') },
        { Action: 'dynamodb:ListTables', Effect: 'Allow', Resource: '*' },
      ),
      // Reads through the index alone, and writes the book only.
      KeeperRole: role(
        { Action: 'dynamodb:Query', Effect: 'Allow', Resource: below('Audit', '/index/*') },
        {
          Action: ['dynamodb:PutItem', 'dynamodb:ConditionCheckItem', 'dynamodb:GetItem'],
          Effect: 'Allow',
          Resource: getArn('Book'),
        },
        { Action: 'dynamodb:PutItem', Effect: 'Allow', Resource: getArn('Audit') },
      ),
    },
  };
}
