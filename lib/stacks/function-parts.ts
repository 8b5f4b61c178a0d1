import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IDestination } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Config } from '../../config/schema.ts';
import { acknowledgeEndOfTheLine } from './acknowledgements.ts';

/** The longest that SQS keeps anything: a weekend and a holiday must not lose what failed. */
const deadLetterRetention = Duration.days(14);

export interface FunctionPartsProps {
  /** `evenkeel-<stage>` */
  readonly prefix: string;
  /** Name of the function without the prefix. */
  readonly name: string;
  readonly config: Config;
  readonly removalPolicy: RemovalPolicy;
}

/** A function's log group, and a role of its own that may write to it and nothing else yet. */
export function functionRole(
  scope: Construct,
  props: FunctionPartsProps,
): { role: Role; logGroup: LogGroup } {
  const { prefix, name, config, removalPolicy } = props;
  const logGroup = new LogGroup(scope, 'Logs', {
    logGroupName: `/${prefix}/${name}`,
    retention: config.aws.logRetentionDays,
    removalPolicy,
  });
  // A role of its own, instead of the managed one that may write to every log group of the account.
  const role = new Role(scope, 'Role', {
    roleName: `${prefix}-${name}`,
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
  });
  logGroup.grantWrite(role);
  return { role, logGroup };
}

/** Lets a role do something to one resource. */
export function allow(role: Role, actions: readonly string[], resource: string): void {
  role.addToPolicy(new PolicyStatement({ actions: [...actions], resources: [resource] }));
}

/** A queue of the stage: encrypted, over TLS only. `fifo` ends its name as SQS wants it. */
export function stageQueue(
  scope: Construct,
  id: string,
  props: {
    readonly name: string;
    readonly fifo?: boolean;
    readonly removalPolicy: RemovalPolicy;
    readonly visibilityTimeout?: Duration;
    readonly deadLetters?: { readonly queue: Queue; readonly maxReceiveCount: number };
    readonly retentionPeriod?: Duration;
  },
): Queue {
  const queue = new Queue(scope, id, {
    queueName: props.fifo ? `${props.name}.fifo` : props.name,
    ...(props.fifo ? { fifo: true } : {}),
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: props.retentionPeriod ?? deadLetterRetention,
    ...(props.visibilityTimeout ? { visibilityTimeout: props.visibilityTimeout } : {}),
    ...(props.deadLetters ? { deadLetterQueue: props.deadLetters } : {}),
    removalPolicy: props.removalPolicy,
  });
  if (props.deadLetters === undefined) acknowledgeEndOfTheLine(queue);
  return queue;
}

/**
 * Where a call goes that a function failed for good: a record with the call, the error and its stack. (The CDK's own
 * destination would let the function read the queue's attributes as well.)
 */
export function failuresTo(queue: Queue): IDestination {
  return {
    bind: (_, code) => {
      code.addToRolePolicy(
        new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] }),
      );
      return { destination: queue.queueArn };
    },
  };
}
