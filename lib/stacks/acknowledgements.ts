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
  const bucketId = Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnElement);
  Validations.of(task).acknowledge({
    id: `AwsSolutions::AwsSolutions-IAM5[Resource::<${bucketId}.Arn>/snapshots/${account}/*]`,
    reason: 'Each snapshot is an object of its own, in the folder of the account that the streamer serves.',
  });
}

/** `*` in the policy of the role that pulls the image. */
export function acknowledgeRegistryToken(executionRole: IConstruct): void {
  Validations.of(executionRole).acknowledge({
    id: 'AwsSolutions::AwsSolutions-IAM5[Resource::*]',
    reason: 'ecr:GetAuthorizationToken has no resource of its own: IAM accepts only * for it.',
  });
}
