/** Findings of cdk-nag that are as intended, one by one, each with its reason. Any other finding stops the synth. */
import { type CfnElement, Stack, Validations } from 'aws-cdk-lib';
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

/** `*` for dynamodb:ListTables. */
export function acknowledgeListTables(role: IConstruct): void {
  acknowledgeWildcard(
    role,
    '*',
    'dynamodb:ListTables has no resource of its own: IAM accepts only * for it.',
  );
}

function logicalId(bucket: Bucket): string {
  return Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnElement);
}
