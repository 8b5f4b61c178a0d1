import { Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledgeNoAccessLog } from './acknowledgements.ts';

export interface SnapshotsProps {
  /** `evenkeel-<stage>` */
  readonly prefix: string;
  readonly removalPolicy: RemovalPolicy;
}

const snapshotDays = 90;

/** The bucket of the broker's snapshots: evidence, so versioned, private and over TLS only. */
export class Snapshots extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { prefix, removalPolicy }: SnapshotsProps) {
    super(scope, id);
    const { account, region } = Stack.of(this);
    this.bucket = new Bucket(this, 'Bucket', {
      // Bucket names are unique in the world.
      bucketName: `${prefix}-snapshots-${account}-${region}`,
      versioned: true,
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      lifecycleRules: [
        {
          id: 'old-snapshots',
          expiration: Duration.days(snapshotDays),
          noncurrentVersionExpiration: Duration.days(snapshotDays),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
      removalPolicy,
    });
    acknowledgeNoAccessLog(this.bucket);
  }
}
