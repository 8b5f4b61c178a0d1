/** Whether the CDK has been bootstrapped, seen by the bucket that every deployment puts its assets into. */
import { HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import type { DeploymentProbe } from '../ports/deployment-probe.ts';

/** Of the CDK, where nobody chose another: cdk.json has no `@aws-cdk/core:bootstrapQualifier`. */
const qualifier = 'hnb659fds';

export class BootstrapProbe implements DeploymentProbe {
  readonly #client: S3Client;

  constructor(client: S3Client) {
    this.#client = client;
  }

  region(): Promise<string> {
    return this.#client.config.region();
  }

  async bootstrapped(awsAccount: string): Promise<'yes' | 'no' | 'unknown'> {
    const bucket = `cdk-${qualifier}-assets-${awsAccount}-${await this.region()}`;
    try {
      await this.#client.send(
        // A bucket of that name in a stranger's account is no bootstrap of ours.
        new HeadBucketCommand({ Bucket: bucket, ExpectedBucketOwner: awsAccount }),
      );
      return 'yes';
    } catch (error) {
      // The answer to a HEAD has no body, so its status is all there is.
      const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
      if (status === 404) return 'no';
      if (status === 403) return 'unknown';
      throw error;
    }
  }
}
