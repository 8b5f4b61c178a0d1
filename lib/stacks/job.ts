import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import type { EventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaCode, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Config } from '../../config/schema.ts';
import { acknowledgeCalledAsynchronously } from './acknowledgements.ts';
import type { Book } from './book.ts';
import type { Bundle } from './bundle.ts';
import { failuresTo, functionRole } from './function-parts.ts';

export interface JobProps {
  /** `evenkeel-<stage>` */
  readonly prefix: string;
  /** Of the function, without the prefix. */
  readonly name: string;
  readonly description: string;
  readonly config: Config;
  readonly bus: EventBus;
  readonly book: Book;
  readonly bundle: Bundle;
  readonly environment: Readonly<Record<string, string>>;
  /** Where a call goes that failed for good. */
  readonly deadLetters: Queue;
  readonly removalPolicy: RemovalPolicy;
}

export interface Job {
  readonly code: LambdaCode;
  readonly role: Role;
}

/** A function that is called by the clock or by hand, works for minutes and says on the bus how it went. */
export function job(scope: Construct, props: JobProps): Job {
  const { prefix, name, description, config, bus, bundle, environment, deadLetters } = props;
  const { role, logGroup } = functionRole(scope, props);
  role.addToPolicy(new PolicyStatement({ actions: ['events:PutEvents'], resources: [bus.eventBusArn] }));
  const code = new LambdaCode(scope, 'Function', {
    functionName: `${prefix}-${name}`,
    description,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    code: Code.fromAsset(bundle.folder),
    handler: 'index.handler',
    // The memory that comes with one whole processor.
    memorySize: 1_769,
    timeout: Duration.minutes(15),
    role,
    logGroup,
    environment: {
      ...environment,
      EVENT_BUS_NAME: bus.eventBusName,
      POWERTOOLS_LOG_LEVEL: config.logLevel.toUpperCase(),
      NODE_OPTIONS: '--enable-source-maps',
    },
    retryAttempts: 1,
    maxEventAge: Duration.hours(6),
    onFailure: failuresTo(deadLetters),
  });
  acknowledgeCalledAsynchronously(code);
  return { code, role };
}
