import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import type { EventBus } from 'aws-cdk-lib/aws-events';
import { Architecture, Code, Function as LambdaCode, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Config } from '../../config/schema.ts';
import { acknowledgeCalledAsynchronously } from './acknowledgements.ts';
import type { Book } from './book.ts';
import type { Bundle } from './bundle.ts';
import { allow, failuresTo, functionRole } from './function-parts.ts';
import { JobSchedule } from './schedule.ts';

/** Source of what the watchdog raises; a test keeps it equal to the one of the events. */
export const watchdogSource = 'evenkeel.watchdog';

export interface WatchdogProps {
  /** `evenkeel-<stage>` */
  readonly prefix: string;
  readonly config: Config;
  readonly bus: EventBus;
  readonly book: Book;
  readonly bundle: Bundle;
  /** Where a call goes that failed for good. */
  readonly deadLetters: Queue;
  readonly removalPolicy: RemovalPolicy;
}

/** A look at every account from outside its streamer, each minute: heartbeat, stops, and whether broker and book are compared. */
export class Watchdog extends Construct {
  readonly watchdog: LambdaCode;

  constructor(scope: Construct, id: string, props: WatchdogProps) {
    super(scope, id);
    const { prefix, config, bus, book, bundle, deadLetters } = props;
    const { role, logGroup } = functionRole(this, { ...props, name: 'watchdog' });
    allow(role, ['dynamodb:GetItem', 'dynamodb:Query'], book.book.tableArn);
    allow(role, ['dynamodb:GetItem', 'dynamodb:PutItem'], book.control.tableArn);
    allow(role, ['events:PutEvents'], bus.eventBusArn);
    this.watchdog = new LambdaCode(this, 'Function', {
      functionName: `${prefix}-watchdog`,
      description:
        'Looks each minute whether streamers live, positions have stops, and broker and book are compared',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(bundle.folder),
      handler: 'index.handler',
      memorySize: 512,
      // The next look must not find this one still at work.
      timeout: Duration.seconds(50),
      role,
      logGroup,
      environment: {
        STAGE: config.stage,
        BOOK_TABLE: book.book.tableName,
        CONTROL_TABLE: book.control.tableName,
        EVENT_BUS_NAME: bus.eventBusName,
        ACCOUNTS: JSON.stringify(config.streamers.map(({ account, name }) => ({ account, streamer: name }))),
        RESET_WINDOWS: JSON.stringify(config.resetWindows),
        NO_STOP_NEEDED: JSON.stringify(config.reconcile.noStopNeeded),
        // While every session is closed it looks once in so long; a run or two may be postponed.
        RECONCILE_LATE_MS: String(
          config.reconcile.closedCadenceMs +
            3 * Duration.minutes(config.reconcile.everyMinutes).toMilliseconds(),
        ),
        LISTS_LATE_MS: String(3 * config.orders.resyncMs + Duration.minutes(5).toMilliseconds()),
        POWERTOOLS_LOG_LEVEL: config.logLevel.toUpperCase(),
        NODE_OPTIONS: '--enable-source-maps',
      },
      // A look that failed is not repeated: the next one is a minute away, and knows more.
      retryAttempts: 0,
      maxEventAge: Duration.minutes(1),
      onFailure: failuresTo(deadLetters),
    });
    acknowledgeCalledAsynchronously(this.watchdog);
    new JobSchedule(this, 'EveryMinute', {
      name: `${prefix}-watchdog`,
      description: 'Heartbeats, stops and comparisons, each minute',
      expression: 'rate(1 minute)',
      target: this.watchdog,
      input: { trigger: 'schedule' },
      deadLetters,
      maxEventAge: Duration.minutes(1),
    });
  }
}
