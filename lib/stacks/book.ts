import { Duration, Names, type RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { EventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaCode, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Config } from '../../config/schema.ts';
import { acknowledgeCalledFromQueue } from './acknowledgements.ts';
import type { Bundle } from './bundle.ts';
import { functionRole, stageQueue } from './function-parts.ts';

export interface BookProps {
  /** `evenkeel-<stage>` */
  readonly prefix: string;
  readonly config: Config;
  readonly bus: EventBus;
  readonly bundle: Bundle;
  readonly removalPolicy: RemovalPolicy;
  /** Whether deleting is made hard. */
  readonly isProtected: boolean;
}

const keeperTimeout = Duration.seconds(30);

/** The book and its audit trail, the queue that feeds them, and the one function that writes what the broker reports. */
export class Book extends Construct {
  readonly book: Table;
  readonly audit: Table;
  /** Leases and heartbeats: coordination, not book. */
  readonly control: Table;
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly keeper: LambdaCode;

  constructor(scope: Construct, id: string, props: BookProps) {
    super(scope, id);
    const { prefix, config, bus, bundle, removalPolicy } = props;
    this.book = this.#table('Table', `${prefix}-book`, props);
    this.audit = this.#table('Audit', `${prefix}-audit`, props);
    // The history of one order: rows that concern none are not in it. Keys only, because an image is stored once.
    this.audit.addGlobalSecondaryIndex({
      indexName: 'by-order',
      partitionKey: { name: 'orderPk', type: AttributeType.STRING },
      sortKey: { name: 'orderSk', type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
    this.control = this.#table('Control', `${prefix}-control`, props);
    this.deadLetters = stageQueue(this, 'DeadLetters', {
      name: `${prefix}-book-dlq`,
      fifo: true,
      removalPolicy,
    });
    this.queue = stageQueue(this, 'Queue', {
      name: `${prefix}-book`,
      fifo: true,
      removalPolicy,
      // Six times the function's time-out, as Lambda asks of a queue that it polls.
      visibilityTimeout: Duration.seconds(keeperTimeout.toSeconds() * 6),
      // What can never be booked is put aside by the function itself, with its reason; what ends here by count was
      // refused by the tables for hours.
      deadLetters: { queue: this.deadLetters, maxReceiveCount: 100 },
    });
    this.keeper = this.#keeper(props, bundle, bus, config);
  }

  #table(id: string, tableName: string, { removalPolicy, isProtected }: BookProps): Table {
    return new Table(this, id, {
      tableName,
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: isProtected,
      removalPolicy,
    });
  }

  #keeper(props: BookProps, bundle: Bundle, bus: EventBus, config: Config): LambdaCode {
    const { role, logGroup } = functionRole(this, { ...props, name: 'book-keeper' });
    // A transaction needs the permission of each of its items. Nothing may update or delete a row of the audit trail.
    role.addToPolicy(
      new PolicyStatement({
        actions: ['dynamodb:GetItem', 'dynamodb:PutItem'],
        resources: [this.book.tableArn],
      }),
    );
    role.addToPolicy(
      new PolicyStatement({ actions: ['dynamodb:PutItem'], resources: [this.audit.tableArn] }),
    );
    role.addToPolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.deadLetters.queueArn] }),
    );
    role.addToPolicy(new PolicyStatement({ actions: ['events:PutEvents'], resources: [bus.eventBusArn] }));
    const keeper = new LambdaCode(this, 'Keeper', {
      functionName: `${props.prefix}-book-keeper`,
      description: 'Keeps orders, fills, positions and balances in the book, each change with its audit row',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(bundle.folder),
      handler: 'index.handler',
      memorySize: 512,
      timeout: keeperTimeout,
      role,
      logGroup,
      environment: {
        STAGE: config.stage,
        BOOK_TABLE: this.book.tableName,
        AUDIT_TABLE: this.audit.tableName,
        DEAD_LETTER_QUEUE_URL: this.deadLetters.queueUrl,
        EVENT_BUS_NAME: bus.eventBusName,
        POWERTOOLS_LOG_LEVEL: config.logLevel.toUpperCase(),
        NODE_OPTIONS: '--enable-source-maps',
      },
    });
    // By hand: the library's event source would also grant what Lambda does not use.
    role.addToPolicy(
      new PolicyStatement({
        actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
        resources: [this.queue.queueArn],
      }),
    );
    keeper.addEventSourceMapping(`SqsEventSource:${Names.nodeUniqueId(this.queue.node)}`, {
      eventSourceArn: this.queue.queueArn,
      batchSize: 10,
      reportBatchItemFailures: true,
      maxConcurrency: 20,
    });
    acknowledgeCalledFromQueue(keeper);
    return keeper;
  }
}
