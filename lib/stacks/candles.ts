import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { EventBus } from 'aws-cdk-lib/aws-events';
import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaCode, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Config } from '../../config/schema.ts';
import { acknowledgeCalledAsynchronously } from './acknowledgements.ts';
import type { Bundle } from './bundle.ts';
import { streamerSource } from './event-bus.ts';
import { failuresTo, functionRole, stageQueue } from './function-parts.ts';

export interface CandlesProps {
  /** `evenkeel-<stage>` */
  readonly prefix: string;
  readonly config: Config;
  readonly bus: EventBus;
  readonly bundle: Bundle;
  readonly removalPolicy: RemovalPolicy;
  /** Whether deleting is made hard. */
  readonly isProtected: boolean;
}

/** Candles from the bus into their table: rule, retries, dead-letter queue, function, table. */
export class Candles extends Construct {
  readonly table: Table;
  readonly deadLetters: Queue;
  readonly keeper: LambdaCode;

  constructor(scope: Construct, id: string, props: CandlesProps) {
    super(scope, id);
    const { prefix, config, bus, bundle, removalPolicy } = props;
    this.table = new Table(this, 'Table', {
      tableName: `${prefix}-candles`,
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expiresAt',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: props.isProtected,
      removalPolicy,
    });
    this.deadLetters = stageQueue(this, 'DeadLetters', {
      name: `${prefix}-candle-keeper-dlq`,
      removalPolicy,
    });
    const { role, logGroup } = functionRole(this, { ...props, name: 'candle-keeper' });
    role.addToPolicy(
      new PolicyStatement({ actions: ['dynamodb:PutItem'], resources: [this.table.tableArn] }),
    );
    this.keeper = new LambdaCode(this, 'Keeper', {
      functionName: `${prefix}-candle-keeper`,
      description: 'Keeps candle.completed and candle.corrected in the candles table',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(bundle.folder),
      handler: 'index.handler',
      memorySize: 256,
      timeout: Duration.seconds(10),
      role,
      logGroup,
      environment: {
        CANDLES_TABLE: this.table.tableName,
        RETENTION_DAYS: String(config.candles.retentionDays),
        POWERTOOLS_LOG_LEVEL: config.logLevel.toUpperCase(),
        NODE_OPTIONS: '--enable-source-maps',
      },
      // EventBridge hands over and is done: a function that throws is tried again by Lambda, and the call ends in
      // Lambda's own destination. The rule's queue is for what could not be handed over. Here both are the same queue.
      retryAttempts: 2,
      maxEventAge: Duration.hours(6),
      onFailure: failuresTo(this.deadLetters),
    });
    acknowledgeCalledAsynchronously(this.keeper);
    new Rule(this, 'Rule', {
      ruleName: `${prefix}-candle-keeper`,
      description: 'Candles to the candle keeper, replayed ones too: storing twice is harmless',
      eventBus: bus,
      eventPattern: { source: [streamerSource], detailType: ['candle.completed', 'candle.corrected'] },
      targets: [
        new LambdaFunction(this.keeper, {
          retryAttempts: 185,
          maxEventAge: Duration.hours(24),
          deadLetterQueue: this.deadLetters,
        }),
      ],
    });
  }
}
