/** Where a stage is to be deployed: a region that exists, and the account that the credentials are of. */
import { RegionInfo } from 'aws-cdk-lib/region-info';
import { ConfigError, type ConfigProblem } from '../../config/config-error.ts';
import { nearestFew } from '../../config/nearest.ts';
import type { Config } from '../../config/schema.ts';

/**
 * Checked at synth alone: the regions are those that the CDK's library knows.
 *
 * @param file the stage's configuration, for the message
 * @param credentialsAccount what the CDK's command line found out (`CDK_DEFAULT_ACCOUNT`); undefined when offline
 * @throws ConfigError CONFIG_INVALID
 */
export function checkTarget({ aws }: Config, file: string, credentialsAccount: string | undefined): void {
  const problems = [...unknownRegion(aws.region), ...otherAccount(aws.accountId, credentialsAccount)];
  if (problems.length > 0) throw new ConfigError('CONFIG_INVALID', file, problems);
}

function unknownRegion(region: string | undefined): ConfigProblem[] {
  const known = RegionInfo.regions.map(({ name }) => name);
  if (region === undefined || known.includes(region)) return [];
  const near = nearestFew(region, known, 3);
  const hint = near.length > 0 ? `did you mean ${near.join(', ')}?` : `known: ${known.join(', ')}`;
  const allowed = `no such region is known to aws-cdk-lib (a newer one knows newer regions); ${hint}`;
  return [{ path: 'aws.region', value: JSON.stringify(region), allowed }];
}

function otherAccount(
  accountId: string | undefined,
  credentialsAccount: string | undefined,
): ConfigProblem[] {
  if (accountId === undefined || !credentialsAccount || credentialsAccount === accountId) return [];
  const allowed =
    `the credentials in use are of account ${credentialsAccount}; use those of ${accountId} ` +
    '(AWS_PROFILE, or --profile), or correct the configuration if the stage moves';
  return [{ path: 'aws.accountId', value: JSON.stringify(accountId), allowed }];
}
