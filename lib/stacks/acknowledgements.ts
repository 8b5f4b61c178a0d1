/** Findings of cdk-nag that are as intended, one by one, each with its reason. Any other finding stops the synth. */
import { type CfnElement, Stack, Token, Validations } from 'aws-cdk-lib';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { IConstruct } from 'constructs';

/** No flow log: nothing can come in (a test asserts that no security group has an ingress rule). */
export function acknowledgeNoFlowLog(vpc: IConstruct): void {
  Validations.of(vpc).acknowledge({
    id: 'AwsSolutions::AwsSolutions-VPC7',
    reason:
      'One task, no ingress rule, no peer; a flow log would record only its way out and cost more than it tells.',
  });
}

/** No Container Insights. */
export function acknowledgeNoContainerInsights(cluster: IConstruct): void {
  Validations.of(cluster).acknowledge({
    id: 'AwsSolutions::AwsSolutions-ECS4',
    reason:
      'The streamer emits its own metrics; Container Insights charges for each of its own as a custom metric.',
  });
}

/** Variables in the task definition. */
export function acknowledgeTaskEnvironment(task: IConstruct): void {
  Validations.of(task).acknowledge({
    id: 'AwsSolutions::AwsSolutions-ECS2',
    reason: 'Names and settings only (a test asserts that); the login comes from Secrets Manager.',
  });
}

/** No access log of a bucket. */
export function acknowledgeNoAccessLog(bucket: IConstruct): void {
  Validations.of(bucket).acknowledge({
    id: 'AwsSolutions::AwsSolutions-S1',
    reason:
      'Written by the streamer, read by operators under their own names: CloudTrail tells who; a log bucket would need one itself.',
  });
}

/** `snapshots/<account>/*` of one bucket. */
export function acknowledgeOwnSnapshots(task: IConstruct, bucket: Bucket, account: string): void {
  acknowledgeWildcard(
    task,
    { in: bucket, path: `/snapshots/${account}/*` },
    'Each snapshot is an object of its own, in the folder of the account that the streamer serves.',
  );
}

/** `*` in the policy of the role that pulls the image. */
export function acknowledgeRegistryToken(executionRole: IConstruct): void {
  Validations.of(executionRole).acknowledge({
    id: 'AwsSolutions::AwsSolutions-IAM5[Resource::*]',
    reason: 'ecr:GetAuthorizationToken has no resource of its own: IAM accepts only * for it.',
  });
}

/** A resource with `*` at its end: a path in a bucket, or an ARN as cdk-nag writes it. */
export function acknowledgeWildcard(
  role: IConstruct,
  resource: string | { readonly in: Bucket; readonly path: string },
  reason: string,
): void {
  const text = typeof resource === 'string' ? resource : `<${logicalId(resource.in)}.Arn>${resource.path}`;
  Validations.of(role).acknowledge({ id: `AwsSolutions::AwsSolutions-IAM5[Resource::${text}]`, reason });
}

/** `table/<prefix>-drill-*` of DynamoDB. */
export function acknowledgeScratchTables(role: IConstruct, tables: string): void {
  const { partition, region, account } = Stack.of(role);
  // cdk-nag writes what only a deployment knows as <AWS::Region>, and the value where the configuration has it.
  const plain = (value: string, name: string) => (Token.isUnresolved(value) ? `<AWS::${name}>` : value);
  acknowledgeWildcard(
    role,
    `arn:${plain(partition, 'Partition')}:dynamodb:${plain(region, 'Region')}:${plain(account, 'AccountId')}:${tables}`,
    'Tables of a drill are made, filled and removed by it; no other table has such a name.',
  );
}

/** `*` for dynamodb:ListTables. */
export function acknowledgeListTables(role: IConstruct): void {
  acknowledgeWildcard(
    role,
    '*',
    'dynamodb:ListTables has no resource of its own: IAM accepts only * for it.',
  );
}

/** An e-mail address at a topic. */
export function acknowledgeMailWithoutRedrive(subscription: IConstruct): void {
  Validations.of(subscription).acknowledge({
    id: 'Serverless::Serverless-SNSRedrivePolicy',
    reason:
      'SNS tries an e-mail for six hours, an alarm tells of those that failed, and each alert is listed by `evenkeel alerts` until it is over.',
  });
}

/** A function that EventBridge, the Scheduler or a person calls, and that has a destination for what failed. */
export function acknowledgeCalledAsynchronously(code: IConstruct): void {
  acknowledgeNoTracing(code);
  Validations.of(code).acknowledge({
    id: 'Serverless::Serverless-LambdaDLQ',
    reason:
      'What failed for good goes to its failure destination, with the error; a dead-letter queue would have it twice.',
  });
}

/** A function that Lambda calls with what lies in a queue. */
export function acknowledgeCalledFromQueue(code: IConstruct): void {
  acknowledgeNoTracing(code);
  Validations.of(code).acknowledge(
    {
      id: 'Serverless::Serverless-LambdaDLQ',
      reason: 'It is for asynchronous calls; here the queue itself has a redrive policy.',
    },
    {
      id: 'Serverless::Serverless-LambdaEventSourceMappingDestination',
      reason: 'For streams only; a message of SQS that fails goes by the redrive policy of its queue.',
    },
  );
}

function acknowledgeNoTracing(code: IConstruct): void {
  Validations.of(code).acknowledge({
    id: 'Serverless::Serverless-LambdaTracing',
    reason:
      'Logs, audit trail and events carry the ids that join them; X-Ray would add a price, a permission and the SDK of it.',
  });
}

/** A queue without a redrive policy. */
export function acknowledgeEndOfTheLine(queue: IConstruct): void {
  const reason = 'It is itself the dead-letter queue, whose depth raises an alarm.';
  Validations.of(queue).acknowledge(
    { id: 'AwsSolutions::AwsSolutions-SQS3', reason },
    { id: 'Serverless::Serverless-SQSRedrivePolicy', reason },
  );
}

function logicalId(bucket: Bucket): string {
  return Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnElement);
}
