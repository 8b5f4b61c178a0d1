import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { privateBucket } from './private-bucket.ts';

export interface SnapshotsProps {
  /** `evenkeel-<stage>` */
  readonly prefix: string;
  readonly removalPolicy: RemovalPolicy;
}

const snapshotDays = 90;

/** What a reconcile and a drill were judged on must lie there unchanged for so long; nothing in the program deletes it. */
const lockedDays = 30;

/** The bucket of the broker's snapshots: evidence. */
export class Snapshots extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { prefix, removalPolicy }: SnapshotsProps) {
    super(scope, id);
    this.bucket = privateBucket(this, 'Bucket', {
      name: `${prefix}-snapshots`,
      lockedFor: Duration.days(lockedDays),
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
  }
}
