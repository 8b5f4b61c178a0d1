import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { type EventBus, Match, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Architecture, Code, Function as LambdaCode, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Config } from '../../config/schema.ts';
import { heardEvents } from '../domain/alerts/heard-events.ts';
import { acknowledgeCalledAsynchronously, acknowledgeCalledFromQueue } from './acknowledgements.ts';
import type { Book } from './book.ts';
import type { Bundle } from './bundle.ts';
import { allow, failuresTo, functionRole, stageQueue } from './function-parts.ts';
import { JobSchedule } from './schedule.ts';

export interface AlertsProps {
  /** `evenkeel-<stage>` */
  readonly prefix: string;
  readonly config: Config;
  readonly bus: EventBus;
  readonly book: Book;
  readonly topic: Topic;
  readonly bundle: Bundle;
  /** Where a call by the clock goes that failed for good. */
  readonly jobDeadLetters: Queue;
  readonly removalPolicy: RemovalPolicy;
}

const timeout = Duration.seconds(50);

/** From the bus to people: rule, queue, dead-letter queue, the function that keeps the desk of alerts, its clock. */
export class Alerts extends Construct {
  readonly alerts: LambdaCode;
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: AlertsProps) {
    super(scope, id);
    const { prefix, bus, removalPolicy, jobDeadLetters } = props;
    this.deadLetters = stageQueue(this, 'DeadLetters', { name: `${prefix}-alerts-dlq`, removalPolicy });
    // The queue and not the function is the rule's target: what the function cannot take for hours waits here.
    this.queue = stageQueue(this, 'Queue', {
      name: `${prefix}-alerts`,
      removalPolicy,
      visibilityTimeout: Duration.seconds(timeout.toSeconds() * 6),
      deadLetters: { queue: this.deadLetters, maxReceiveCount: 20 },
    });
    // CDK has no name for this field, and passes it on.
    const notReplayed: object = { 'replay-name': [{ exists: false }] };
    new Rule(this, 'Rule', {
      ruleName: `${prefix}-alerts`,
      description: 'What a person must know. Not what an archive replays: it is over',
      eventBus: bus,
      eventPattern: {
        source: Match.prefix('evenkeel.'),
        detailType: [...heardEvents],
        ...notReplayed,
      },
      targets: [
        new SqsQueue(this.queue, {
          retryAttempts: 185,
          maxEventAge: Duration.hours(24),
          deadLetterQueue: this.deadLetters,
        }),
      ],
    });
    this.alerts = this.#function(props);
    new JobSchedule(this, 'EveryMinute', {
      name: `${prefix}-alerts`,
      description: 'Escalations, counts, second attempts: each minute',
      expression: 'rate(1 minute)',
      target: this.alerts,
      input: { action: 'tick' },
      deadLetters: jobDeadLetters,
      maxEventAge: Duration.minutes(1),
    });
  }

  #function(props: AlertsProps): LambdaCode {
    const { prefix, config, book, topic, bundle } = props;
    const { role, logGroup } = functionRole(this, { ...props, name: 'alerts' });
    const secretName = `${prefix}-alert-channels`;
    allow(role, ['dynamodb:GetItem', 'dynamodb:PutItem'], book.control.tableArn);
    allow(role, ['sns:Publish'], topic.topicArn);
    allow(role, ['sqs:SendMessage'], this.deadLetters.queueArn);
    if (config.alerts.channels.some(({ type }) => type !== 'sns')) {
      const secret = Secret.fromSecretNameV2(this, 'Channels', secretName);
      const arn = `${secret.secretArn}-??????`;
      allow(role, ['secretsmanager:GetSecretValue'], arn);
    }
    const code = new LambdaCode(this, 'Function', {
      functionName: `${prefix}-alerts`,
      description: 'Tells people what they must know: once, again until acknowledged, and when it is over',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(bundle.folder),
      handler: 'index.handler',
      memorySize: 512,
      timeout,
      role,
      logGroup,
      environment: {
        STAGE: config.stage,
        CONTROL_TABLE: book.control.tableName,
        TOPIC_ARN: topic.topicArn,
        CHANNEL_SECRET: secretName,
        CHANNELS: JSON.stringify(config.alerts.channels),
        RESET_WINDOWS: JSON.stringify(config.resetWindows),
        DEDUP_MINUTES: String(config.alerts.dedupMinutes),
        ESCALATE_MINUTES: String(config.alerts.escalateMinutes),
        DEAD_LETTER_QUEUE_URL: this.deadLetters.queueUrl,
        POWERTOOLS_LOG_LEVEL: config.logLevel.toUpperCase(),
        NODE_OPTIONS: '--enable-source-maps',
      },
      // Of calls by the clock: the next one is a minute away, and knows more.
      retryAttempts: 0,
      maxEventAge: Duration.minutes(1),
      onFailure: failuresTo(props.jobDeadLetters),
    });
    acknowledgeCalledAsynchronously(code);
    acknowledgeCalledFromQueue(code);
    // By hand: the library's event source would also grant what Lambda does not use.
    allow(role, ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], this.queue.queueArn);
    code.addEventSourceMapping('Source', {
      eventSourceArn: this.queue.queueArn,
      // A flood is one look at the memory for each hundred, and waits a second at most to become one.
      batchSize: 100,
      maxBatchingWindow: Duration.seconds(1),
      reportBatchItemFailures: true,
      // They write one row; more of them would only wait for each other.
      maxConcurrency: 2,
    });
    return code;
  }
}
