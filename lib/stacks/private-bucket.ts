import { type Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type LifecycleRule,
  ObjectLockRetention,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { acknowledgeNoAccessLog } from './acknowledgements.ts';

export interface PrivateBucketProps {
  /** Without account and region, which are added: bucket names are unique in the world. */
  readonly name: string;
  readonly lifecycleRules: readonly LifecycleRule[];
  /** Every version is locked for so long: nobody but who may bypass governance deletes it before. */
  readonly lockedFor?: Duration;
  readonly removalPolicy: RemovalPolicy;
}

/** A bucket for what must not be lost: versioned, encrypted, private, over TLS only. */
export function privateBucket(scope: Construct, id: string, props: PrivateBucketProps): Bucket {
  const { account, region } = Stack.of(scope);
  const bucket = new Bucket(scope, id, {
    bucketName: `${props.name}-${account}-${region}`,
    versioned: true,
    encryption: BucketEncryption.S3_MANAGED,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    ...(props.lockedFor
      ? {
          objectLockEnabled: true,
          objectLockDefaultRetention: ObjectLockRetention.governance(props.lockedFor),
        }
      : {}),
    lifecycleRules: [...props.lifecycleRules],
    removalPolicy: props.removalPolicy,
  });
  acknowledgeNoAccessLog(bucket);
  return bucket;
}
