/** A stack of your own beside Evenkeel's: a strategy's function, its rule on the bus, and what its role may do. */
import { join } from 'node:path';
import { Duration, Stack } from 'aws-cdk-lib';
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus, Match, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

export interface StrategyStackProps {
  /** `paper`, `live` */
  readonly stage: string;
  readonly account: string;
  /** Name of the account's streamer in `config/<stage>.yml`. */
  readonly streamer: string;
  /** Local symbol of the contract. */
  readonly symbol: string;
}

export class StrategyStack extends Stack {
  constructor(scope: Construct, id: string, { stage, account, streamer, symbol }: StrategyStackProps) {
    super(scope, id);
    const prefix = `evenkeel-${stage}`;
    const bus = EventBus.fromEventBusName(this, 'Bus', prefix);
    const candles = Table.fromTableName(this, 'Candles', `${prefix}-candles`);
    const queue = Queue.fromQueueArn(
      this,
      'Orders',
      this.formatArn({ service: 'sqs', resource: `${prefix}-orders-${streamer}.fifo` }),
    );
    const strategy = new NodejsFunction(this, 'Strategy', {
      functionName: `${prefix}-breakout-strategy`,
      entry: join(import.meta.dirname, 'breakout-strategy.ts'),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      timeout: Duration.seconds(10),
      memorySize: 256,
      bundling: {
        format: OutputFormat.ESM,
        mainFields: ['module', 'main'],
        banner: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
        minify: true,
      },
      environment: {
        ACCOUNT: account,
        QUEUE_URL: queue.queueUrl,
        CANDLES_TABLE: candles.tableName,
        QUANTITY: '1',
        LOOKBACK: '20',
      },
    });
    // Sending commands and reading candles, and nothing else: it never sees the book, and never speaks to IB.
    strategy.addToRolePolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] }),
    );
    strategy.addToRolePolicy(
      new PolicyStatement({ actions: ['dynamodb:Query'], resources: [candles.tableArn] }),
    );
    // A replay of the archive is no market: without this it would order. The CDK's type of a pattern does not know the field.
    const notReplayed: object = { 'replay-name': Match.doesNotExist() };
    new Rule(this, 'Candle', {
      eventBus: bus,
      eventPattern: {
        source: ['evenkeel.streamer'],
        detailType: ['candle.completed'],
        detail: { account: [account], data: { symbol: [symbol], source: ['live'] } },
        ...notReplayed,
      },
      // What could not be handed over within a minute is about a price of long ago.
      targets: [new LambdaFunction(strategy, { maxEventAge: Duration.minutes(1), retryAttempts: 2 })],
    });
  }
}
